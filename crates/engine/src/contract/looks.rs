//! Looking at a part of a cluster.

use common::error::Kind;
use common::id::TenantId;
use common::tenant::Color;

use super::stage::{refused, until};
use super::{ContractSetup, Stage};
use crate::containers::Containers;
use crate::observed::{Inventory, State};
use crate::ownership::{Ownership, Role};
use crate::selection::Selection;
use crate::spec::{ContainerRef, ContainerSpec};
use crate::usage::Usage;

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    no_more_is_shown_than_is_selected(engine, setup).await;
    what_runs_is_measured(&Stage::with_network(engine, setup).await).await;
    what_runs_has_an_address(&Stage::with_network(engine, setup).await).await;
}

fn worker(stage: &Stage<'_>) -> ContainerSpec {
    let main = stage.main();
    let owner = Ownership { role: Role::Worker, color: Color::Green, ..main.owner.clone() };
    ContainerSpec { name: format!("t-{}-worker", stage.tenant.digits()), owner, aliases: Vec::new(), ..main }
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.containers.iter().map(|container| container.name.as_str()).collect()
}

async fn no_more_is_shown_than_is_selected(engine: &dyn Containers, setup: &ContractSetup) {
    let (one, other) = (Stage::with_network(engine, setup).await, Stage::with_network(engine, setup).await);
    for spec in [one.main(), worker(&one), other.main()] {
        engine.ensure_running(&spec).await.unwrap();
    }
    let look = async |selection| engine.observe(&setup.cluster, selection).await.unwrap();

    let whole = look(Selection::of(one.tenant)).await;
    assert_eq!(names(&whole), [one.main().name, worker(&one).name]);
    assert_eq!((whole.networks.len(), whole.volumes.len()), (1, 2), "{whole:?}");
    assert_eq!(whole.networks[0].attached.len(), 2, "{whole:?}");
    let containers = look(Selection::of(one.tenant).containers()).await;
    assert_eq!(names(&containers), names(&whole));
    assert!(containers.networks.is_empty() && containers.volumes.is_empty(), "{containers:?}");
    assert!(containers.containers.iter().all(|container| container.address.is_some()));
    let workers = look(Selection::of(one.tenant).role(Role::Worker)).await;
    assert_eq!(names(&workers), [worker(&one).name]);
    let mains = look(Selection::ALL.role(Role::Main)).await;
    assert_eq!(mains.tenants(), [one.tenant, other.tenant].into());
    assert!(look(Selection::of(TenantId::generate())).await.is_empty());
    let elsewhere = "elsewhere".parse().unwrap();
    assert!(engine.observe(&elsewhere, Selection::of(one.tenant)).await.unwrap().is_empty());

    one.strike().await;
    other.strike().await;
}

async fn what_runs_is_measured(stage: &Stage<'_>) {
    let measure = async |selection| stage.engine.stats(&stage.setup.cluster, selection).await.unwrap();
    let own = Selection::of(stage.tenant);
    assert_eq!(measure(own).await, []);
    let main = stage.engine.ensure_running(&stage.main()).await.unwrap();
    stage.engine.ensure_running(&worker(stage)).await.unwrap();
    let [first]: [Usage; 1] = measure(own.role(Role::Main)).await.try_into().unwrap();
    assert_eq!((first.name.as_str(), &first.owner), (main.name.as_str(), &main.owner));
    let both = measure(own).await;
    assert_eq!(both.len(), 2);
    assert!(both[0].at >= first.at && both[0].cpu >= first.cpu, "{both:?} {first:?}");
    stage.setup.outside.die(&main.name).await;
    until("it is seen to be dead", || async { stage.container(&main.name).await.state == State::Exited })
        .await;
    assert_eq!(measure(own).await.len(), 1);
    stage.strike().await;
}

async fn what_runs_has_an_address(stage: &Stage<'_>) {
    let reference = stage.main().reference();
    refused(stage.engine.address(&reference).await, Kind::NotFound);
    let seen = stage.engine.ensure_running(&stage.main()).await.unwrap();
    assert_eq!(Some(stage.engine.address(&reference).await.unwrap()), seen.address);
    let stranger = ContainerRef { tenant: Some(TenantId::generate()), ..reference.clone() };
    refused(stage.engine.address(&stranger).await, Kind::Conflict);
    stage.setup.outside.die(&reference.name).await;
    until("it has none", || async { stage.engine.address(&reference).await.is_err() }).await;
    refused(stage.engine.address(&reference).await, Kind::Unavailable);
    stage.strike().await;
}
