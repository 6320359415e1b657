//! Docker keeps the contract, and confines what it runs. Needs an engine: `TEST_DOCKER_HOST`, by default the local one,
//! with the image `TEST_ENGINE_IMAGE` (Debian, for its shell and Perl) on it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod confinement;
mod exit;
mod faults;
mod logs;
mod outside;
mod reach;
mod selected;
mod silent;
mod tls;

use std::time::Duration;

use common::error::{Classify as _, Kind};
use common::id::OperationId;
use engine::contract::{self, Part, Stage};
use engine::docker::{Docker, DockerOptions};
use engine::{Containers, State};
use futures::future::join_all;
use outside::Place;
use strum::VariantArray as _;
use tokio::net::UnixListener;

/// About as long each: they are waited for side by side.
const THIRDS: [&[Part]; 3] = [
    &[Part::Networks, Part::Containers],
    &[Part::Restarts, Part::Records, Part::Crashes],
    &[Part::Runs, Part::Looks, Part::Execs],
];

async fn keeps_the_contract(third: usize, place: u8) {
    let place = Place::prepare(place).await;
    contract::containers(&place.docker, &place.setup, THIRDS[third]).await;
    place.clean().await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn docker_keeps_the_contract_of_networks_and_containers() {
    keeps_the_contract(0, 0).await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn docker_keeps_the_contract_of_restarts_records_and_crashes() {
    keeps_the_contract(1, 13).await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn docker_keeps_the_contract_of_runs_looks_and_execs() {
    keeps_the_contract(2, 14).await;
}

#[test]
fn no_part_of_the_contract_is_left_out() {
    assert!(Part::VARIANTS.iter().all(|part| THIRDS.iter().any(|third| third.contains(part))));
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn processes_that_know_nothing_of_each_other_agree() {
    let place = Place::prepare(1).await;
    place.setup.outside.add_shared("edge").await;
    place.setup.outside.add_shared("postgres").await;
    let others: Vec<_> = (0..4).map(|_| Docker::connect(&outside::host()).unwrap()).collect();
    for _ in 0..3 {
        let stage = Stage::new(&place.docker, &place.setup);
        let made = join_all(others.iter().map(|other| other.ensure_network(&stage.network))).await;
        made.into_iter().for_each(|answer| answer.unwrap());
        assert_eq!(stage.seen().await.networks.len(), 1);

        let spec = stage.main();
        let up = join_all(others.iter().map(|other| other.ensure_running(&spec))).await;
        up.into_iter().for_each(|answer| assert_eq!(answer.unwrap().state, State::Running));
        assert_eq!(stage.seen().await.containers.len(), 1);

        let reference = spec.reference();
        let down = join_all(others.iter().map(|other| other.remove(&reference))).await;
        down.into_iter().for_each(|answer| answer.unwrap());
        stage.strike().await;
    }
    place.clean().await;
}

#[tokio::test]
async fn an_engine_that_is_away_is_unavailable() {
    let path = std::env::temp_dir().join(format!("rp9-nobody-{}.sock", OperationId::generate().digits()));
    // Somebody was there, and has left.
    drop(UnixListener::bind(&path).unwrap());
    let nobody = Docker::connect(&format!("unix://{}", path.display())).unwrap();
    assert_eq!(nobody.ping().await.unwrap_err().kind(), Kind::Unavailable);
    let missing = Docker::connect("unix:///nowhere/docker.sock").err().unwrap();
    assert_eq!(missing.kind(), Kind::Unavailable);
}

#[tokio::test]
async fn an_engine_that_says_nothing_times_out() {
    let path = std::env::temp_dir().join(format!("rp9-silent-{}.sock", OperationId::generate().digits()));
    let _silent = UnixListener::bind(&path).unwrap();
    let host = format!("unix://{}", path.display());
    let options = DockerOptions { call_timeout: Duration::from_millis(100), ..DockerOptions::default() };
    let docker = Docker::connect_with(&host, options).unwrap();
    assert_eq!(docker.ping().await.unwrap_err().kind(), Kind::Timeout);
}
