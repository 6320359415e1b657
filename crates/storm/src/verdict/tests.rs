use std::collections::HashMap;

use bytes::Bytes;
use common::clock;
use http::StatusCode;
use uuid::Uuid;

use super::*;
use crate::{
    ledger::{Accepted, Answer},
    world::Holder,
};

/// One tenant that was asked for, and everything that is so when all went well.
struct Scene {
    told: Told,
    record: Record,
    seen: Seen,
    tenant: TenantId,
    creation: OperationId,
}

impl Scene {
    fn new() -> Self {
        let (tenant, creation) = (TenantId::generate(), OperationId::generate());
        let mut scene = Self {
            told: Told::default(),
            record: Record::default(),
            seen: Seen::default(),
            tenant,
            creation,
        };
        scene.accept(Asked::Create, creation, "tenant.create", "succeeded");
        let row = Tenant { status: "active".into(), routes: 1, containers: ["main".to_owned()].into() };
        scene.record.tenants.insert(tenant, row);
        let kinds = [Kind::Role, Kind::Database, Kind::Owner, Kind::Key, Kind::Queue, Kind::Network];
        let mut objects: Vec<_> = kinds.into_iter().map(|kind| object(kind, "acme")).collect();
        objects.extend([object(Kind::Container, "main"), object(Kind::Volume, "main.secrets")]);
        scene.seen.objects.insert(tenant, objects);
        scene
    }

    fn accept(&mut self, asked: Asked, operation: OperationId, kind: &str, status: &str) {
        let answer = Answer { status: StatusCode::CREATED, body: Bytes::new() };
        let (key, tenant) = (Uuid::now_v7(), self.tenant);
        self.told.accepted.push(Accepted { key, asked, operation, tenant, answer });
        let row = Operation {
            id: operation,
            kind: kind.into(),
            tenant_id: tenant,
            status: status.into(),
            error: None,
            audited: 1,
            told_accepted: 1,
            told_ended: 1,
        };
        self.record.operations.insert(operation, row);
    }

    fn removed(&mut self) {
        self.accept(Asked::Remove(self.tenant), OperationId::generate(), "tenant.delete", "succeeded");
        let row = self.row();
        (row.status, row.routes) = ("deleted".into(), 0);
        self.seen.objects.clear();
    }

    fn row(&mut self) -> &mut Tenant {
        self.record.tenants.get_mut(&self.tenant).unwrap()
    }

    fn objects(&mut self) -> &mut Vec<Object> {
        self.seen.objects.get_mut(&self.tenant).unwrap()
    }

    /// The parts in which something was found.
    fn found(&self) -> Vec<&'static str> {
        let verdict = Verdict::of(&self.told, &self.record, &self.seen);
        verdict.parts().into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(name, _)| name).collect()
    }
}

fn object(kind: Kind, name: &str) -> Object {
    Object { id: 0, kind, name: name.into(), mark: String::new() }
}

#[test]
fn what_went_well_is_not_complained_of() {
    let mut scene = Scene::new();
    assert_eq!(scene.found(), [""; 0]);
    scene.removed();
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
    (scene.row().status, scene.row().routes) = ("failed".into(), 0);
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
    scene.row().routes = 0;
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
        what: "make".into(),
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
