//! Callers that crash between any two effects: whoever comes next completes their work.

use super::{ContractSetup, Stage};
use crate::containers::Containers;
use crate::error::ContainerError;
use crate::fake::{Verb, When};
use crate::observed::State;
use crate::ownership::Ownership;
use crate::spec::{ContainerSpec, Limits};

/// Both sides of an effect.
const SIDES: [When; 2] = [When::Before, When::After];

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    for when in SIDES {
        networks(engine, setup, when).await;
        bringing_up(engine, setup, when).await;
        replacing(engine, setup, when).await;
        taking_down(engine, setup, when).await;
        resizing(engine, setup, when).await;
    }
}

async fn networks(engine: &dyn Containers, setup: &ContractSetup, when: When) {
    for verb in [Verb::NetworkCreate, Verb::NetworkAttach] {
        let stage = Stage::new(engine, setup);
        setup.outside.inject(verb, when).await;
        failed(engine.ensure_network(&stage.network).await, verb, when);
        engine.ensure_network(&stage.network).await.unwrap();
        let seen = stage.seen().await;
        assert!(matches!(seen.networks.as_slice(), [one] if one.attached.len() == 2), "{verb:?}: {seen:?}");
        stage.strike().await;
    }
    for verb in [Verb::NetworkDetach, Verb::NetworkRemove] {
        let stage = Stage::with_network(engine, setup).await;
        setup.outside.inject(verb, when).await;
        failed(engine.remove_network(&stage.network.reference()).await, verb, when);
        engine.remove_network(&stage.network.reference()).await.unwrap();
        assert!(stage.seen().await.is_empty(), "{verb:?} {when:?}");
    }
}

async fn bringing_up(engine: &dyn Containers, setup: &ContractSetup, when: When) {
    for verb in [Verb::VolumeCreate, Verb::ContainerCreate, Verb::SecretsWrite, Verb::ContainerStart] {
        let stage = Stage::with_network(engine, setup).await;
        setup.outside.inject(verb, when).await;
        failed(engine.ensure_running(&stage.main()).await, verb, when);
        runs_alone(&stage, &stage.main()).await;
        stage.strike().await;
    }
}

async fn replacing(engine: &dyn Containers, setup: &ContractSetup, when: When) {
    for verb in [Verb::ContainerStop, Verb::ContainerRemove, Verb::VolumeRemove, Verb::ContainerCreate] {
        let stage = Stage::with_network(engine, setup).await;
        let old = stage.main();
        let new = ContainerSpec { owner: Ownership { generation: 2, ..old.owner.clone() }, ..old.clone() };
        engine.ensure_running(&old).await.unwrap();
        setup.outside.inject(verb, when).await;
        failed(engine.ensure_running(&new).await, verb, when);
        runs_alone(&stage, &new).await;
        stage.strike().await;
    }
}

async fn taking_down(engine: &dyn Containers, setup: &ContractSetup, when: When) {
    for verb in [Verb::ContainerStop, Verb::ContainerRemove, Verb::VolumeRemove] {
        let stage = Stage::with_network(engine, setup).await;
        engine.ensure_running(&stage.main()).await.unwrap();
        setup.outside.inject(verb, when).await;
        failed(engine.remove(&stage.main().reference()).await, verb, when);
        engine.remove(&stage.main().reference()).await.unwrap();
        let seen = stage.seen().await;
        assert!(seen.containers.is_empty() && seen.volumes.is_empty(), "{verb:?} {when:?}: {seen:?}");
        stage.strike().await;
    }
}

async fn resizing(engine: &dyn Containers, setup: &ContractSetup, when: When) {
    let stage = Stage::with_network(engine, setup).await;
    let spec = stage.main();
    let larger = Limits { memory_mb: 128, ..spec.limits };
    engine.ensure_running(&spec).await.unwrap();
    setup.outside.inject(Verb::ContainerResize, when).await;
    failed(engine.resize(&spec.reference(), larger).await, Verb::ContainerResize, when);
    assert_eq!(engine.resize(&spec.reference(), larger).await.unwrap().limits, larger);
    stage.strike().await;
}

async fn runs_alone(stage: &Stage<'_>, spec: &ContainerSpec) {
    assert_eq!(stage.engine.ensure_running(spec).await.unwrap().state, State::Running);
    let seen = stage.seen().await;
    assert_eq!((seen.containers.len(), seen.volumes.len()), (1, 1), "{seen:?}");
}

#[track_caller]
fn failed<T>(answer: Result<T, ContainerError>, verb: Verb, when: When) {
    assert!(answer.is_err(), "the fault {when:?} {verb:?} did not come through");
}
