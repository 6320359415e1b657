//! Which record drives a cluster here: a volume whose labels say so.

use bollard::models::{Volume, VolumeCreateRequest};
use bollard::query_parameters::RemoveVolumeOptions;
use common::cluster::ClusterId;
use common::id::RecordId;

use super::Docker;
use super::call::if_found;
use crate::error::ContainerError;
use crate::ownership::label;
use crate::spec::record_volume;

impl Docker {
    pub(super) async fn noted_record(&self, cluster: &ClusterId) -> Result<Option<RecordId>, ContainerError> {
        let name = record_volume(cluster);
        let found = self.call("inspect volume", self.api.inspect_volume(&name)).await;
        if_found(found)?.map(|volume| noted(&name, &volume)).transpose()
    }

    pub(super) async fn write_record(
        &self,
        cluster: &ClusterId,
        record: RecordId,
        former: Option<RecordId>,
    ) -> Result<(), ContainerError> {
        let name = record_volume(cluster);
        let there = self.noted_record(cluster).await?;
        if there.is_some() && there == former && there != Some(record) {
            let remove = self.api.remove_volume(&name, None::<RemoveVolumeOptions>);
            if_found(self.call("remove volume", remove).await)?;
        }
        let labels = [(label::CLUSTER, cluster.to_string()), (label::RECORD, record.to_string())];
        let request = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
            ..Default::default()
        };
        // The engine answers with what is there already, whoever made it.
        let volume = self.call("create volume", self.api.create_volume(request)).await?;
        if noted(&name, &volume)? == record {
            return Ok(());
        }
        Err(ContainerError::conflict(&name, "another record is noted"))
    }
}

/// A volume of this name that says nothing readable is somebody's: never taken for none.
fn noted(name: &str, volume: &Volume) -> Result<RecordId, ContainerError> {
    let word = volume.labels.get(label::RECORD);
    let record = word.and_then(|word| word.parse().ok());
    record.ok_or_else(|| ContainerError::conflict(name, "it does not say which record drives the cluster"))
}
