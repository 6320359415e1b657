//! What looking costs, and what is measured.

use std::time::Duration;

use common::error::{Classify as _, Kind};
use engine::contract::{Stage, until};
use engine::{ContainerRef, Containers as _, Exec, Selection, Usage};

use crate::outside::Place;

const MEGABYTE: u64 = 1 << 20;

async fn place(part: u8) -> Place {
    let place = Place::prepare(part).await;
    for role in ["edge", "postgres"] {
        place.setup.outside.add_shared(role).await;
    }
    place
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn waiting_for_one_tenant_asks_for_its_containers_and_nothing_else() {
    let place = place(6).await;
    let (one, other) = (
        Stage::with_network(&place.docker, &place.setup).await,
        Stage::with_network(&place.docker, &place.setup).await,
    );
    for stage in [&one, &other] {
        stage.engine.ensure_running(&stage.main()).await.unwrap();
    }
    place.faults.take_requests();
    let own = Selection::of(one.tenant).containers();
    assert_eq!(one.engine.observe(&place.setup.cluster, own).await.unwrap().containers.len(), 1);
    let requests = place.faults.take_requests();
    let [list, inspect] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(list.contains("/containers/json?"), "{list}");
    assert!(inspect.contains("/containers/") && inspect.contains("/json"), "{inspect}");
    one.strike().await;
    other.strike().await;
    place.clean().await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn files_that_were_read_are_no_memory_and_files_in_memory_are() {
    let place = place(7).await;
    let stage = Stage::with_network(&place.docker, &place.setup).await;
    stage.engine.ensure_running(&stage.main()).await.unwrap();
    let measure = async || -> Usage {
        let own = Selection::of(stage.tenant);
        stage.engine.stats(&place.setup.cluster, own).await.unwrap().remove(0)
    };
    let run = async |script: &str| {
        let argv = ["sh", "-c", script].map(str::to_owned).into();
        let exec = Exec { argv, within: Duration::from_secs(30), bytes: 1024 };
        let ended = stage.engine.exec(&stage.main().reference(), &exec).await.unwrap();
        assert_eq!(ended.exit_code, 0, "{ended:?}");
    };
    let idle = measure().await;
    assert!(idle.memory > 0 && idle.memory < 16 * MEGABYTE, "{idle:?}");
    // More than the container's 64 MB, and none of it is needed afterwards.
    run("cat /usr/bin/* /usr/lib/*/*.so* > /dev/null 2>&1; cat /usr/bin/* > /dev/null 2>&1; true").await;
    let after_reading = measure().await;
    assert!(after_reading.memory < idle.memory + 8 * MEGABYTE, "{idle:?} {after_reading:?}");
    assert!(after_reading.cpu > idle.cpu && after_reading.at > idle.at);
    run("head -c 6291456 /dev/zero > /tmp/kept").await;
    until("what is kept in memory is counted", || async {
        measure().await.memory >= idle.memory + 5 * MEGABYTE
    })
    .await;
    stage.strike().await;
    place.clean().await;
}

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn two_clusters_on_one_engine_do_not_see_each_other() {
    let (east, west) = (place(8).await, place(9).await);
    let stages = [
        Stage::with_network(&east.docker, &east.setup).await,
        Stage::with_network(&west.docker, &west.setup).await,
    ];
    for (stage, other) in [(&stages[0], &west), (&stages[1], &east)] {
        stage.engine.ensure_running(&stage.main()).await.unwrap();
        let own = stage.engine.observe(&stage.setup.cluster, Selection::ALL).await.unwrap();
        assert_eq!(own.tenants(), [stage.tenant].into());
        // Each cluster's own servers are in its tenants' networks, and nobody else's.
        assert_eq!(own.networks[0].attached.len(), 2, "{own:?}");
        let elsewhere = &other.setup.cluster;
        assert!(other.docker.observe(elsewhere, Selection::of(stage.tenant)).await.unwrap().is_empty());
        assert!(other.docker.stats(elsewhere, Selection::of(stage.tenant)).await.unwrap().is_empty());
        let theirs = ContainerRef { cluster: elsewhere.clone(), ..stage.main().reference() };
        assert_eq!(other.docker.remove(&theirs).await.unwrap_err().kind(), Kind::Conflict);
    }
    for stage in &stages {
        stage.strike().await;
    }
    east.clean().await;
    west.clean().await;
}
