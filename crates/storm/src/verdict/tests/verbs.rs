//! What each verb has to leave behind.

use common::tenant::TenantStatus::{Active, Suspended};

use super::*;
use crate::asked::{Size, Wish};

fn restarted(scene: &mut Scene, operation: OperationId, name: &str) {
    let by = Holder { worker: "w".into(), operation, tenant: scene.tenant, fence: 1 };
    let object = Some((Kind::Container, name.to_owned()));
    scene.seen.effects.push(Effect { by, verb: Verb::Restart { id: 1 }, object, at: scene.now });
}

#[test]
fn a_restart_begins_every_container_anew_and_changes_nothing_else() {
    let mut scene = Scene::with(Plan::Pro);
    let restart = scene.accept(Asked::Restart(scene.tenant), "succeeded");
    assert_eq!(scene.found(), ["wrong ends"]);
    let names: Vec<_> = belongings::containers(scene.tenant, Plan::Pro.size()).collect();
    for name in &names[1..] {
        restarted(&mut scene, restart, name);
    }
    assert_eq!(scene.found(), ["wrong ends"], "the main did not");
    restarted(&mut scene, restart, &names[0]);
    assert_eq!(scene.found(), [""; 0]);
    scene.is(Suspended, Plan::Pro.size());
    assert_eq!(scene.found(), ["wrong ends", "strays"]);
}

#[test]
fn a_restart_that_was_cancelled_owes_nothing() {
    let mut scene = Scene::new();
    let restart = scene.accept(Asked::Restart(scene.tenant), "rolled_back");
    assert_eq!(scene.found(), ["wrong ends"]);
    scene.cancel(restart);
    assert_eq!(scene.found(), [""; 0]);
}

#[test]
fn one_that_was_suspended_has_a_page_and_no_containers() {
    let mut scene = Scene::new();
    scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    assert_eq!(scene.found(), ["wrong ends", "strays"]);
    scene.is(Suspended, Plan::Starter.size());
    assert_eq!(scene.found(), [""; 0]);
    scene.row().routes = vec![None];
    assert_eq!(scene.found(), ["strays"]);
}

#[test]
fn executions_are_waited_for_by_whoever_suspends_and_by_nobody_else() {
    let mut scene = Scene::new();
    let suspend = scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    scene.is(Suspended, Plan::Starter.size());
    let effect = |operation, scene: &Scene| Effect {
        by: Holder { worker: "w".into(), operation, tenant: scene.tenant, fence: 1 },
        verb: Verb::Drop { id: 1 },
        object: None,
        at: scene.now,
    };
    scene.seen.cut_off = vec![effect(scene.creation, &scene)];
    assert_eq!(scene.found(), [""; 0]);
    scene.seen.cut_off.push(effect(suspend, &scene));
    assert_eq!(scene.found(), ["wrong ends"]);
}

#[test]
fn a_resumption_brings_everything_back_and_one_that_was_cancelled_nothing() {
    let mut scene = Scene::new();
    scene.accept(Asked::Suspend(scene.tenant), "succeeded");
    let resume = scene.accept(Asked::Resume(scene.tenant), "succeeded");
    assert_eq!(scene.found(), [""; 0]);
    scene.operation(resume).status = "rolled_back".into();
    scene.cancel(resume);
    assert_eq!(scene.found(), ["wrong ends", "strays"]);
    scene.is(Suspended, Plan::Starter.size());
    assert_eq!(scene.found(), [""; 0]);
}

#[test]
fn scalings_add_up_and_reach_record_rows_and_containers() {
    let mut scene = Scene::new();
    let wish = |cpu_millis, workers| Wish { cpu_millis, workers, ..Wish::default() };
    scene.accept(Asked::Scale(scene.tenant, wish(Some(500), None)), "succeeded");
    scene.accept(Asked::Scale(scene.tenant, wish(None, Some(2))), "succeeded");
    let cancelled = scene.accept(Asked::Scale(scene.tenant, wish(Some(1500), Some(1))), "rolled_back");
    scene.cancel(cancelled);
    assert_eq!(scene.found(), ["wrong ends", "strays"]);
    let size = Size { cpu_millis: 500, memory_mb: 1024, workers: 2 };
    scene.is(Active, size);
    assert_eq!(scene.found(), [""; 0]);
    scene
        .objects()
        .iter_mut()
        .filter_map(|object| object.limits.as_mut())
        .for_each(|given| given.memory_mb = 1);
    assert_eq!(scene.found(), ["wrong ends"]);
    scene.is(Active, size);
    scene.row().size.workers = 1;
    assert_eq!(scene.found(), ["wrong ends"]);
    scene.is(Active, size);
    scene.row().containers.pop_last();
    assert_eq!(scene.found(), ["wrong ends"]);
}
