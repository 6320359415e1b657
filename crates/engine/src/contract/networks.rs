//! Networks.

use common::error::Kind;
use common::id::TenantId;
use futures::future::join_all;
use ipnet::Ipv4Net;

use super::stage::refused;
use super::{ContractSetup, Stage};
use crate::containers::Containers;
use crate::error::ContainerError;
use crate::selection::Selection;
use crate::spec::{NetworkRef, NetworkSpec};

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    twice_makes_one(&Stage::new(engine, setup)).await;
    several_callers_make_one(&Stage::new(engine, setup)).await;
    a_missing_shared_container_is_named(&Stage::new(engine, setup)).await;
    a_shared_container_that_was_recreated_is_attached_again(&Stage::new(engine, setup)).await;
    what_differs_is_a_conflict_and_stays(&Stage::new(engine, setup)).await;
    a_foreign_network_is_never_touched(&Stage::new(engine, setup)).await;
    a_range_that_somebody_has_is_told_with_whose_it_is(&Stage::new(engine, setup)).await;
    removal_wants_the_exact_owner_and_bears_repetition(&Stage::new(engine, setup)).await;
    a_network_in_use_stays(&Stage::new(engine, setup)).await;
    whether_there_is_an_exit_is_seen(&Stage::new(engine, setup)).await;
    forty_at_once(engine, setup).await;
}

async fn whether_there_is_an_exit_is_seen(stage: &Stage<'_>) {
    let closed = NetworkSpec { has_exit: false, ..stage.network.clone() };
    for _ in 0..2 {
        stage.engine.ensure_network(&closed).await.unwrap();
    }
    let seen = stage.seen().await.networks.remove(0);
    assert_eq!((seen.has_exit, seen.subnet), (false, Some(closed.subnet)));
    assert!(seen.attached.iter().eq(["edge", "postgres"]), "{:?}", seen.attached);
    refused(stage.engine.ensure_network(&stage.network).await, Kind::Conflict);
    stage.engine.ensure_running(&stage.main()).await.unwrap();
    assert!(!stage.seen().await.networks.remove(0).has_exit);
    stage.strike().await;
    stage.engine.ensure_network(&stage.network).await.unwrap();
    assert!(stage.seen().await.networks.remove(0).has_exit);
    stage.strike().await;
}

async fn twice_makes_one(stage: &Stage<'_>) {
    stage.engine.ensure_network(&stage.network).await.unwrap();
    stage.engine.ensure_network(&stage.network).await.unwrap();
    let seen = stage.seen().await;
    let [network] = seen.networks.as_slice() else { panic!("not one network: {seen:?}") };
    assert_eq!(network.name, stage.network.name);
    assert_eq!(network.subnet, Some(stage.network.subnet));
    assert!(network.attached.iter().eq(["edge", "postgres"]), "{:?}", network.attached);
    stage.strike().await;
}

async fn several_callers_make_one(stage: &Stage<'_>) {
    let calls = (0..5).map(|_| stage.engine.ensure_network(&stage.network));
    join_all(calls).await.into_iter().for_each(|answer| answer.unwrap());
    assert_eq!(stage.seen().await.networks.len(), 1);
    stage.strike().await;
}

async fn a_missing_shared_container_is_named(stage: &Stage<'_>) {
    let spec = NetworkSpec { attach: vec!["redis".into()], ..stage.network.clone() };
    let error = refused(stage.engine.ensure_network(&spec).await, Kind::Unavailable);
    assert!(error.to_string().contains("redis"), "{error}");
    // The network without attachments is half of the work: once there is such a container, the rest is done.
    stage.setup.outside.add_shared("redis").await;
    stage.engine.ensure_network(&spec).await.unwrap();
    let attached = stage.seen().await.networks.remove(0).attached;
    assert!(attached.contains("redis"), "{attached:?}");
    stage.strike().await;
    stage.setup.outside.remove_shared("redis").await;
}

async fn a_shared_container_that_was_recreated_is_attached_again(stage: &Stage<'_>) {
    stage.engine.ensure_network(&stage.network).await.unwrap();
    stage.setup.outside.remove_shared("edge").await;
    stage.setup.outside.add_shared("edge").await;
    let attached = stage.seen().await.networks.remove(0).attached;
    assert!(!attached.contains("edge"), "{attached:?}");
    stage.engine.ensure_network(&stage.network).await.unwrap();
    let attached = stage.seen().await.networks.remove(0).attached;
    assert!(attached.contains("edge"), "{attached:?}");
    stage.strike().await;
}

async fn what_differs_is_a_conflict_and_stays(stage: &Stage<'_>) {
    let newer = NetworkSpec { generation: 2, ..stage.network.clone() };
    stage.engine.ensure_network(&newer).await.unwrap();
    let before = stage.seen().await;
    let different = [
        NetworkSpec { subnet: stage.setup.subnet(), ..newer.clone() },
        NetworkSpec { tenant: Some(TenantId::generate()), ..newer.clone() },
        NetworkSpec { tenant: None, ..newer.clone() },
        NetworkSpec { cluster: "elsewhere".parse().unwrap(), ..newer.clone() },
        NetworkSpec { generation: 1, ..newer.clone() },
        NetworkSpec { has_exit: false, ..newer.clone() },
        // Another name, and the same addresses.
        NetworkSpec { name: format!("{}-other", newer.name), ..newer.clone() },
    ];
    for spec in different {
        refused(stage.engine.ensure_network(&spec).await, Kind::Conflict);
    }
    assert_eq!(stage.seen().await, before);
    stage.strike().await;
}

async fn a_foreign_network_is_never_touched(stage: &Stage<'_>) {
    stage.setup.outside.add_foreign_network(&stage.network.name, stage.network.subnet).await;
    refused(stage.engine.ensure_network(&stage.network).await, Kind::Conflict);
    refused(stage.engine.remove_network(&stage.network.reference()).await, Kind::Conflict);
    assert!(stage.setup.outside.exists(&stage.network.name).await);
    assert!(stage.seen().await.is_empty());
    stage.setup.outside.remove(&stage.network.name).await;
}

async fn a_range_that_somebody_has_is_told_with_whose_it_is(stage: &Stage<'_>) {
    let foreign = format!("{}-foreign", stage.network.name);
    let theirs = Ipv4Net::new(stage.network.subnet.network(), 29).unwrap();
    stage.setup.outside.add_foreign_network(&foreign, theirs).await;
    let error = refused(stage.engine.ensure_network(&stage.network).await, Kind::Conflict);
    let ContainerError::SubnetTaken { subnet, by, .. } = error else { panic!("{error}") };
    assert_eq!((subnet, by), (stage.network.subnet, Some(theirs)));
    assert!(stage.seen().await.is_empty());
    stage.setup.outside.remove(&foreign).await;
    stage.engine.ensure_network(&stage.network).await.unwrap();
    stage.strike().await;
}

async fn removal_wants_the_exact_owner_and_bears_repetition(stage: &Stage<'_>) {
    let reference = stage.network.reference();
    stage.engine.remove_network(&reference).await.unwrap();
    stage.engine.ensure_network(&stage.network).await.unwrap();
    let strangers = [
        NetworkRef { tenant: Some(TenantId::generate()), ..reference.clone() },
        NetworkRef { tenant: None, ..reference.clone() },
        NetworkRef { cluster: "elsewhere".parse().unwrap(), ..reference.clone() },
    ];
    for stranger in strangers {
        refused(stage.engine.remove_network(&stranger).await, Kind::Conflict);
    }
    assert_eq!(stage.seen().await.networks.len(), 1);
    stage.engine.remove_network(&reference).await.unwrap();
    stage.engine.remove_network(&reference).await.unwrap();
    assert!(stage.seen().await.is_empty());
}

async fn a_network_in_use_stays(stage: &Stage<'_>) {
    stage.engine.ensure_network(&stage.network).await.unwrap();
    stage.engine.ensure_running(&stage.main()).await.unwrap();
    refused(stage.engine.remove_network(&stage.network.reference()).await, Kind::Conflict);
    let attached = stage.seen().await.networks.remove(0).attached;
    assert!(attached.contains("edge"), "{attached:?}");
    stage.strike().await;
}

async fn forty_at_once(engine: &dyn Containers, setup: &ContractSetup) {
    let stages: Vec<_> = (0..40).map(|_| Stage::new(engine, setup)).collect();
    let made = join_all(stages.iter().map(|stage| engine.ensure_network(&stage.network))).await;
    made.into_iter().for_each(|answer| answer.unwrap());
    let seen = engine.observe(&setup.cluster, Selection::ALL).await.unwrap().networks;
    assert_eq!(seen.len(), 40);
    assert!(seen.iter().all(|network| network.attached.len() == 2), "{seen:?}");
    let references: Vec<_> = stages.iter().map(|stage| stage.network.reference()).collect();
    let gone = join_all(references.iter().map(|network| engine.remove_network(network))).await;
    gone.into_iter().for_each(|answer| answer.unwrap());
    assert!(engine.observe(&setup.cluster, Selection::ALL).await.unwrap().networks.is_empty());
}
