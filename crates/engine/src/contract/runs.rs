//! Containers that run once.

use std::time::Duration;

use common::error::Kind;

use super::stage::refused;
use super::{ContractSetup, Stage};
use crate::containers::Containers;
use crate::fake::{Verb, When};

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    the_exit_code_and_the_last_words_are_reported(&Stage::with_network(engine, setup).await).await;
    what_takes_too_long_is_killed(&Stage::with_network(engine, setup).await).await;
    a_run_left_by_a_crashed_caller_is_completed(&Stage::with_network(engine, setup).await).await;
    another_run_left_by_a_crashed_caller_is_replaced(&Stage::with_network(engine, setup).await).await;
}

async fn the_exit_code_and_the_last_words_are_reported(stage: &Stage<'_>) {
    for code in [0, 3] {
        let spec = stage.job(&format!("echo last words; exit {code}"));
        let finished = stage.engine.run_once(&spec, PATIENCE).await.unwrap();
        assert_eq!(finished.exit_code, code);
        assert!(finished.logs_tail.contains("last words"), "{:?}", finished.logs_tail);
        nothing_is_left(stage).await;
    }
    stage.strike().await;
}

async fn what_takes_too_long_is_killed(stage: &Stage<'_>) {
    let spec = stage.job("sleep 3600");
    refused(stage.engine.run_once(&spec, Duration::from_secs(1)).await, Kind::Timeout);
    nothing_is_left(stage).await;
    stage.strike().await;
}

async fn a_run_left_by_a_crashed_caller_is_completed(stage: &Stage<'_>) {
    // The start happens, the caller never hears of it, and neither does it clean up any more.
    for (verb, when) in [
        (Verb::ContainerCreate, When::After),
        (Verb::SecretsWrite, When::Before),
        (Verb::ContainerStart, When::Before),
        (Verb::ContainerStart, When::After),
        (Verb::ContainerRemove, When::Before),
        (Verb::VolumeRemove, When::Before),
    ] {
        let spec = stage.job("echo last words; exit 0");
        stage.setup.outside.inject(verb, when).await;
        let first = stage.engine.run_once(&spec, PATIENCE).await;
        assert!(first.is_err(), "the fault {when:?} {verb:?} did not come through");
        assert_eq!(stage.engine.run_once(&spec, PATIENCE).await.unwrap().exit_code, 0);
        nothing_is_left(stage).await;
    }
    stage.strike().await;
}

async fn another_run_left_by_a_crashed_caller_is_replaced(stage: &Stage<'_>) {
    let mut spec = stage.job("sleep 3600");
    stage.engine.ensure_running(&spec).await.unwrap();
    spec = stage.job("echo last words; exit 0");
    spec.owner.generation += 1;
    assert_eq!(stage.engine.run_once(&spec, PATIENCE).await.unwrap().exit_code, 0);
    nothing_is_left(stage).await;
    stage.strike().await;
}

async fn nothing_is_left(stage: &Stage<'_>) {
    let seen = stage.seen().await;
    assert!(seen.containers.is_empty() && seen.volumes.is_empty(), "left behind: {seen:?}");
}
