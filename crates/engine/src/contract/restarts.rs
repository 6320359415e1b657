//! Processes that end, hang and begin anew.

use std::time::Duration;

use common::error::Kind;
use common::id::TenantId;
use futures::StreamExt as _;

use super::stage::{refused, until};
use super::{ContractSetup, Stage};
use crate::containers::Containers;
use crate::observed::{News, State};
use crate::spec::ContainerRef;

/// Far less than a container of ours gets to end by itself.
const GRACE: Duration = Duration::from_secs(1);

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    what_hangs_begins_anew(&Stage::with_network(engine, setup).await).await;
    what_ended_begins_anew(&Stage::with_network(engine, setup).await).await;
    only_its_owner_restarts_it(&Stage::with_network(engine, setup).await).await;
    an_end_is_told_with_its_code(&Stage::with_network(engine, setup).await).await;
}

async fn what_hangs_begins_anew(stage: &Stage<'_>) {
    let spec = stage.main();
    let before = stage.engine.ensure_running(&spec).await.unwrap();
    stage.setup.outside.hang(&spec.name).await;
    stage.engine.restart(&spec.reference(), GRACE).await.unwrap();
    until("it is well again", || async { stage.container(&spec.name).await.is_ready() }).await;
    let after = stage.container(&spec.name).await;
    assert_ne!(after.started_at, before.started_at);
    assert_eq!((after.spec, after.restarts, after.launch), (before.spec, 0, spec.launch));
    stage.strike().await;
}

async fn what_ended_begins_anew(stage: &Stage<'_>) {
    let spec = stage.main();
    stage.engine.ensure_running(&spec).await.unwrap();
    stage.setup.outside.die(&spec.name).await;
    stage.engine.restart(&spec.reference(), GRACE).await.unwrap();
    assert_eq!(stage.container(&spec.name).await.state, State::Running);
    stage.strike().await;
}

async fn only_its_owner_restarts_it(stage: &Stage<'_>) {
    let reference = stage.main().reference();
    refused(stage.engine.restart(&reference, GRACE).await, Kind::NotFound);
    let before = stage.engine.ensure_running(&stage.main()).await.unwrap();
    let strangers = [
        ContainerRef { tenant: Some(TenantId::generate()), ..reference.clone() },
        ContainerRef { cluster: "elsewhere".parse().unwrap(), ..reference.clone() },
        ContainerRef { generation: Some(0), ..reference.clone() },
    ];
    for stranger in strangers {
        refused(stage.engine.restart(&stranger, GRACE).await, Kind::Conflict);
    }
    assert_eq!(stage.container(&reference.name).await.started_at, before.started_at);
    stage.strike().await;
}

async fn an_end_is_told_with_its_code(stage: &Stage<'_>) {
    let spec = stage.main();
    stage.engine.ensure_running(&spec).await.unwrap();
    let begun = stage.container(&spec.name).await.started_at.unwrap();
    let mut events = stage.engine.events(&stage.setup.cluster).await.unwrap();
    stage.setup.outside.die(&spec.name).await;
    let told = async {
        while let Some(event) = events.next().await {
            if event.name == spec.name && event.news != News::Changed {
                return Some(event);
            }
        }
        None
    };
    let event = tokio::time::timeout(Duration::from_secs(10), told).await.unwrap().unwrap();
    assert_eq!(event.news, News::Ended { exit_code: Some(137) });
    assert!(event.at >= begun, "{} is before {begun}", event.at);
    stage.strike().await;
}
