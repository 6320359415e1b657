//! Which record drives a cluster: noted once, changed only by whoever names the former one.

use common::error::Kind;
use common::id::RecordId;
use futures::future::join_all;

use super::ContractSetup;
use super::stage::refused;
use crate::containers::Containers;
use crate::selection::Selection;

pub(super) async fn all(engine: &dyn Containers, setup: &ContractSetup) {
    let (cluster, first, second) = (&setup.cluster, RecordId::generate(), RecordId::generate());
    assert_eq!(engine.record(cluster).await.unwrap(), None);
    let noted = join_all((0..4).map(|_| engine.note_record(cluster, first, None))).await;
    noted.into_iter().for_each(|answer| answer.unwrap());
    assert_eq!(engine.record(cluster).await.unwrap(), Some(first));

    refused(engine.note_record(cluster, second, None).await, Kind::Conflict);
    refused(engine.note_record(cluster, second, Some(RecordId::generate())).await, Kind::Conflict);
    assert_eq!(engine.record(cluster).await.unwrap(), Some(first));
    let elsewhere = "elsewhere".parse().unwrap();
    assert_eq!(engine.record(&elsewhere).await.unwrap(), None);

    engine.note_record(cluster, second, Some(first)).await.unwrap();
    engine.note_record(cluster, second, Some(first)).await.unwrap();
    assert_eq!(engine.record(cluster).await.unwrap(), Some(second));
    // Neither a container's nor a network's, so it is in no inventory.
    assert!(engine.observe(cluster, Selection::ALL).await.unwrap().is_empty());
}
