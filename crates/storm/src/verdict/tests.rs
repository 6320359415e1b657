//! What is found, and what is not complained of.

mod acceptance;
mod scene;
mod verbs;

use std::collections::HashMap;

use common::{clock, tenant::TenantStatus};

use super::*;
use crate::{
    asked::{Asked, Plan},
    ledger::Accepted,
    world::{Holder, Kind},
};
use scene::Scene;

#[test]
fn what_went_well_is_not_complained_of() {
    let mut scene = Scene::new();
    assert_eq!(scene.found(), [""; 0]);
    scene.accept(Asked::Remove(scene.tenant), "succeeded");
    scene.is(TenantStatus::Deleted, Plan::Starter.size());
    assert_eq!(scene.found(), [""; 0]);
}

#[test]
fn a_promise_without_a_row_or_an_end_is_lost() {
    let mut scene = Scene::new();
    let creation = scene.creation;
    scene.record.operations.get_mut(&creation).unwrap().status = "running".into();
    assert!(scene.found().contains(&"lost"));
    let mut scene = Scene::new();
    scene.record.operations.clear();
    assert!(scene.found().contains(&"lost"));
}

#[test]
fn what_nobody_was_told_of_and_what_is_there_twice_is_duplicated() {
    let mut scene = Scene::new();
    scene.told.accepted.clear();
    assert!(scene.found().contains(&"duplicated"));
    let mut scene = Scene::new();
    let twin = scene.objects()[0].clone();
    scene.objects().push(twin);
    assert_eq!(scene.found(), ["duplicated"]);
    let mut scene = Scene::new();
    let again = Accepted { operation: OperationId::generate(), ..scene.told.accepted[0].clone() };
    scene.told.accepted.push(again);
    assert!(scene.found().contains(&"duplicated"));
}

#[test]
fn only_what_was_cancelled_is_rolled_back_and_nothing_is_left_of_it() {
    let mut scene = Scene::new();
    let creation = scene.creation;
    scene.record.operations.get_mut(&creation).unwrap().status = "rolled_back".into();
    (scene.row().status, scene.row().routes) = ("failed".into(), vec![]);
    scene.row().containers.clear();
    assert_eq!(scene.found(), ["wrong ends", "strays"]);
    scene.told.cancelled.push(creation);
    assert_eq!(scene.found(), ["strays"]);
    scene.seen.objects.clear();
    assert_eq!(scene.found(), [""; 0]);
}

#[test]
fn what_a_living_tenant_lacks_is_noticed() {
    let mut scene = Scene::new();
    scene.objects().pop();
    assert_eq!(scene.found(), ["strays"]);
    let mut scene = Scene::new();
    scene.row().routes.clear();
    assert_eq!(scene.found(), ["strays"]);
}

#[test]
fn an_effect_after_a_successor_began_is_stale_and_one_before_is_not() {
    let mut scene = Scene::new();
    let (tenant, operation, now) = (scene.tenant, scene.creation, clock::now());
    let by = |fence| Holder { worker: "w".into(), operation, tenant, fence };
    scene.record.begun = HashMap::from([(operation, vec![(1, now), (2, now + time::Duration::seconds(5))])]);
    let effect = |fence, second| Effect {
        by: by(fence),
        verb: Verb::Drop { id: 1 },
        object: Some((Kind::Queue, "q".into())),
        at: now + time::Duration::seconds(second),
    };
    scene.seen.effects = vec![effect(1, 4), effect(2, 6)];
    assert_eq!(scene.found(), [""; 0]);
    scene.seen.effects.push(effect(1, 6));
    assert_eq!(scene.found(), ["old-fence effects"]);
}

#[test]
fn every_operation_is_accounted_for_exactly_once() {
    let mut scene = Scene::new();
    let creation = scene.creation;
    scene.record.operations.get_mut(&creation).unwrap().told_ended = 2;
    assert_eq!(scene.found(), ["unaccounted"]);
}
