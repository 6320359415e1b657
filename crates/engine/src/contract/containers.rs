//! Containers that serve.

use std::time::Duration;

use common::error::Kind;
use common::id::TenantId;
use futures::StreamExt as _;
use futures::future::join_all;

use super::stage::{refused, until};
use super::{ContractSetup, Stage};
use crate::containers::Containers;
use crate::hash::SpecHash;
use crate::observed::{Health, Object, State};
use crate::ownership::{Ownership, Role};
use crate::spec::{ContainerRef, ContainerSpec, Limits};

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    what_was_asked_for_runs(&Stage::with_network(engine, setup).await).await;
    twice_changes_nothing(&Stage::with_network(engine, setup).await).await;
    several_callers_make_one(&Stage::with_network(engine, setup).await).await;
    another_specification_replaces(&Stage::with_network(engine, setup).await).await;
    what_only_has_to_live_keeps_its_settings(&Stage::with_network(engine, setup).await).await;
    a_stale_generation_is_refused(&Stage::with_network(engine, setup).await).await;
    a_foreign_container_is_never_touched(&Stage::with_network(engine, setup).await).await;
    what_died_is_started_and_what_vanished_is_made(&Stage::with_network(engine, setup).await).await;
    limits_change_without_a_restart(&Stage::with_network(engine, setup).await).await;
    removal_wants_the_exact_owner_and_bears_repetition(&Stage::with_network(engine, setup).await).await;
    secrets_go_with_their_container(&Stage::with_network(engine, setup).await).await;
    only_the_tenants_own_network_is_joined(&Stage::with_network(engine, setup).await).await;
    a_missing_image_is_said(&Stage::with_network(engine, setup).await).await;
    changes_are_told(&Stage::with_network(engine, setup).await).await;
}

async fn what_was_asked_for_runs(stage: &Stage<'_>) {
    let spec = stage.main();
    let observed = stage.engine.ensure_running(&spec).await.unwrap();
    assert_eq!(observed.state, State::Running);
    assert_eq!(observed.owner, spec.owner);
    assert_eq!(observed.spec, SpecHash::of(&spec));
    assert_eq!(observed.limits, spec.limits);
    assert_eq!(observed.exit_code, None);
    let address = observed.address.unwrap();
    assert!(stage.network.subnet.contains(&address), "{address} is not in {}", stage.network.subnet);
    until("it is healthy", || async { stage.container(&spec.name).await.health == Health::Healthy }).await;
    assert!(stage.container(&spec.name).await.is_ready());
    stage.strike().await;
}

async fn twice_changes_nothing(stage: &Stage<'_>) {
    let first = stage.engine.ensure_running(&stage.main()).await.unwrap();
    let second = stage.engine.ensure_running(&stage.main()).await.unwrap();
    assert_eq!(first.started_at, second.started_at);
    stage.strike().await;
}

async fn several_callers_make_one(stage: &Stage<'_>) {
    let spec = stage.main();
    let answers = join_all((0..4).map(|_| stage.engine.ensure_running(&spec))).await;
    answers.into_iter().for_each(|answer| assert_eq!(answer.unwrap().state, State::Running));
    assert_eq!(stage.seen().await.containers.len(), 1);
    stage.strike().await;
}

async fn another_specification_replaces(stage: &Stage<'_>) {
    let mut spec = stage.main();
    let mut before = stage.engine.ensure_running(&spec).await.unwrap();
    let changes: [fn(&mut ContainerSpec); 3] = [
        |spec| spec.owner.generation += 1,
        |spec| drop(spec.env.insert("GREETING".into(), "goodbye".into())),
        |spec| spec.secrets.iter_mut().for_each(|file| file.content = "another".into()),
    ];
    for change in changes {
        change(&mut spec);
        let after = stage.engine.ensure_running(&spec).await.unwrap();
        assert_eq!(after.spec, SpecHash::of(&spec));
        assert_ne!(after.started_at, before.started_at);
        before = after;
    }
    assert_eq!(stage.seen().await.containers.len(), 1);
    stage.strike().await;
}

async fn what_only_has_to_live_keeps_its_settings(stage: &Stage<'_>) {
    let former = stage.main();
    let spec = ContainerSpec { launch: former.launch + 1, ..former.clone() };
    let made = stage.engine.ensure_alive(&former).await.unwrap();
    assert_eq!(made.spec, SpecHash::of(&former), "what is missing is made");
    let limits = Limits { memory_mb: 96, ..spec.limits };
    let left = stage.engine.ensure_alive(&ContainerSpec { limits, ..spec.clone() }).await.unwrap();
    assert_eq!((left.launch, left.started_at, left.limits), (former.launch, made.started_at, limits));
    stage.setup.outside.die(&spec.name).await;
    until("it is seen to be dead", || async { stage.container(&spec.name).await.state == State::Exited })
        .await;
    let started = stage.engine.ensure_alive(&spec).await.unwrap();
    assert_eq!((started.launch, started.state), (former.launch, State::Running));
    let renewed = stage.engine.ensure_running(&spec).await.unwrap();
    assert_eq!(renewed.launch, spec.launch);
    // As a replica of the release before would, which runs beside this one.
    let kept = stage.engine.ensure_running(&former).await.unwrap();
    assert_eq!((kept.launch, kept.started_at), (spec.launch, renewed.started_at));
    stage.strike().await;
}

async fn a_stale_generation_is_refused(stage: &Stage<'_>) {
    let stale = stage.main();
    let current = with_generation(&stale, 2);
    let before = stage.engine.ensure_running(&current).await.unwrap();
    refused(stage.engine.ensure_running(&stale).await, Kind::Conflict);
    refused(stage.engine.run_once(&stale, Duration::from_secs(5)).await, Kind::Conflict);
    refused(stage.engine.remove(&stale.reference()).await, Kind::Conflict);
    refused(stage.engine.resize(&stale.reference(), stale.limits).await, Kind::Conflict);
    assert_eq!(stage.container(&current.name).await.started_at, before.started_at);
    stage.strike().await;
}

async fn a_foreign_container_is_never_touched(stage: &Stage<'_>) {
    let spec = stage.main();
    stage.setup.outside.add_foreign_container(&spec.name).await;
    let anyone = ContainerRef { generation: None, ..spec.reference() };
    refused(stage.engine.ensure_running(&spec).await, Kind::Conflict);
    refused(stage.engine.run_once(&spec, Duration::from_secs(5)).await, Kind::Conflict);
    refused(stage.engine.remove(&anyone).await, Kind::Conflict);
    refused(stage.engine.resize(&anyone, spec.limits).await, Kind::Conflict);
    assert!(stage.setup.outside.exists(&spec.name).await);
    stage.setup.outside.remove(&spec.name).await;
    stage.strike().await;
}

async fn what_died_is_started_and_what_vanished_is_made(stage: &Stage<'_>) {
    let spec = stage.main();
    stage.engine.ensure_running(&spec).await.unwrap();
    stage.setup.outside.die(&spec.name).await;
    until("it is seen to be dead", || async { stage.container(&spec.name).await.state == State::Exited })
        .await;
    assert!(stage.container(&spec.name).await.exit_code.is_some_and(|code| code != 0));
    assert_eq!(stage.engine.ensure_running(&spec).await.unwrap().state, State::Running);

    stage.setup.outside.remove(&spec.name).await;
    assert!(stage.seen().await.containers.is_empty());
    assert_eq!(stage.engine.ensure_running(&spec).await.unwrap().state, State::Running);
    stage.strike().await;
}

async fn limits_change_without_a_restart(stage: &Stage<'_>) {
    let spec = stage.main();
    let before = stage.engine.ensure_running(&spec).await.unwrap();
    let larger = Limits { cpu_millis: 1500, memory_mb: 128, pids: 64 };
    let resized = stage.engine.resize(&spec.reference(), larger).await.unwrap();
    assert_eq!((resized.limits, resized.started_at), (larger, before.started_at));
    assert_eq!(stage.container(&spec.name).await.limits, larger);

    // The row is the truth: the next time it is asked for, it gets what its row says, live too.
    let ensured = stage.engine.ensure_running(&spec).await.unwrap();
    assert_eq!((ensured.limits, ensured.started_at), (spec.limits, before.started_at));

    let none = Limits { memory_mb: 0, ..larger };
    refused(stage.engine.resize(&spec.reference(), none).await, Kind::Invalid);
    stage.engine.remove(&spec.reference()).await.unwrap();
    refused(stage.engine.resize(&spec.reference(), larger).await, Kind::NotFound);
    stage.strike().await;
}

async fn removal_wants_the_exact_owner_and_bears_repetition(stage: &Stage<'_>) {
    let reference = stage.main().reference();
    stage.engine.remove(&reference).await.unwrap();
    stage.engine.ensure_running(&stage.main()).await.unwrap();
    let strangers = [
        ContainerRef { tenant: Some(TenantId::generate()), ..reference.clone() },
        ContainerRef { tenant: None, ..reference.clone() },
        ContainerRef { cluster: "elsewhere".parse().unwrap(), ..reference.clone() },
    ];
    for stranger in strangers {
        refused(stage.engine.remove(&stranger).await, Kind::Conflict);
        refused(stage.engine.resize(&stranger, stage.main().limits).await, Kind::Conflict);
    }
    let main = stage.main();
    let worker = ContainerSpec { owner: Ownership { role: Role::Worker, ..main.owner.clone() }, ..main };
    refused(stage.engine.ensure_running(&worker).await, Kind::Conflict);
    assert_eq!(stage.container(&reference.name).await.state, State::Running);
    stage.engine.remove(&reference).await.unwrap();
    stage.engine.remove(&reference).await.unwrap();
    assert!(stage.seen().await.containers.is_empty());
    stage.strike().await;
}

async fn secrets_go_with_their_container(stage: &Stage<'_>) {
    let spec = stage.main();
    stage.engine.ensure_running(&spec).await.unwrap();
    let volumes = stage.seen().await.volumes;
    assert!(matches!(volumes.as_slice(), [volume] if volume.container == spec.name), "{volumes:?}");
    stage.setup.outside.remove(&spec.name).await;
    // The volume alone is left, and still tells whose it is.
    let [volume] = stage.seen().await.volumes.try_into().unwrap();
    stage.engine.remove(&volume.reference()).await.unwrap();
    assert!(stage.seen().await.volumes.is_empty());
    stage.strike().await;
}

async fn only_the_tenants_own_network_is_joined(stage: &Stage<'_>) {
    let other = Stage::with_network(stage.engine, stage.setup).await;
    let into_theirs = ContainerSpec { network: other.network.name.clone(), ..stage.main() };
    refused(stage.engine.ensure_running(&into_theirs).await, Kind::Conflict);
    let nowhere = ContainerSpec { network: "no-such-network".into(), ..stage.main() };
    refused(stage.engine.ensure_running(&nowhere).await, Kind::Unavailable);
    let hosts = ContainerSpec { network: "host".into(), ..stage.main() };
    refused(stage.engine.ensure_running(&hosts).await, Kind::Invalid);
    assert!(stage.seen().await.containers.is_empty());
    other.strike().await;
    stage.strike().await;
}

async fn a_missing_image_is_said(stage: &Stage<'_>) {
    let spec = ContainerSpec { image: "no-such-image:never".into(), ..stage.main() };
    let error = refused(stage.engine.ensure_running(&spec).await, Kind::Upstream);
    assert!(error.to_string().contains("no-such-image:never"), "{error}");
    stage.strike().await;
}

async fn changes_are_told(stage: &Stage<'_>) {
    let mut events = stage.engine.events(&stage.setup.cluster).await.unwrap();
    let spec = stage.main();
    stage.engine.ensure_running(&spec).await.unwrap();
    let told = async {
        while let Some(event) = events.next().await {
            if event.object == Object::Container && event.name == spec.name {
                return event.tenant;
            }
        }
        None
    };
    let tenant = tokio::time::timeout(Duration::from_secs(10), told).await.unwrap();
    assert_eq!(tenant, Some(stage.tenant));
    stage.strike().await;
}

fn with_generation(spec: &ContainerSpec, generation: i64) -> ContainerSpec {
    ContainerSpec { owner: Ownership { generation, ..spec.owner.clone() }, ..spec.clone() }
}
