//! Secret files: in a volume of the container's own, written before its first start.

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{RemoveVolumeOptions, UploadToContainerOptions};
use bytes::Bytes;
use secrecy::ExposeSecret;

use super::Docker;
use super::call::{if_found, malformed};
use crate::error::ContainerError;
use crate::ownership::{owned_by, owner_labels};
use crate::plan;
use crate::spec::{ContainerRef, ContainerSpec, SECRETS_DIR, SecretFile, TENANT_UID, secrets_volume};

impl Docker {
    /// Makes the volume exist, empty or not.
    pub(super) async fn make_volume(&self, spec: &ContainerSpec) -> Result<(), ContainerError> {
        let labels = owner_labels(spec.owner.tenant, &spec.owner.cluster).into_iter();
        let request = VolumeCreateRequest {
            name: Some(secrets_volume(&spec.name)),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).collect()),
            ..Default::default()
        };
        // The engine answers with what is there already, whoever made it.
        let volume = self.call("create volume", self.api.create_volume(request)).await?;
        if owned_by(&volume.labels, spec.owner.tenant, &spec.owner.cluster) {
            return Ok(());
        }
        Err(plan::volume_not_ours(&spec.name))
    }

    /// Writes the files into a container that was created and not started. Again does no harm.
    pub(super) async fn write_secrets(&self, id: &str, spec: &ContainerSpec) -> Result<(), ContainerError> {
        if spec.secrets.is_empty() {
            return Ok(());
        }
        let archive = archive(&spec.secrets).map_err(|_| malformed("write secrets", "an archive"))?;
        let options = UploadToContainerOptions { path: SECRETS_DIR.to_owned(), ..Default::default() };
        let upload = self.api.upload_to_container(id, Some(options), bollard::body_full(archive));
        self.call("write secrets", upload).await
    }

    /// Removes the volume of a container that is gone; absent is fine.
    pub(super) async fn remove_volume(&self, container: &ContainerRef) -> Result<(), ContainerError> {
        let name = secrets_volume(&container.name);
        let found = self.call("inspect volume", self.api.inspect_volume(&name)).await;
        let Some(volume) = if_found(found)? else { return Ok(()) };
        if !owned_by(&volume.labels, container.tenant, &container.cluster) {
            return Err(plan::volume_not_ours(&container.name));
        }
        if_found(self.call("remove volume", self.api.remove_volume(&name, None::<RemoveVolumeOptions>)).await)
            .map(|_| ())
    }
}

/// A tar archive, with the tenant's user as the owner of each file. The causes of failure are not passed on: they may
/// quote what they failed on.
fn archive(files: &[SecretFile]) -> std::io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let content = file.content.expose_secret().as_bytes();
        let leaf = file.path.trim_start_matches(SECRETS_DIR).trim_start_matches('/');
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(TENANT_UID.into());
        header.set_gid(TENANT_UID.into());
        archive.append_data(&mut header, leaf, content)?;
    }
    archive.into_inner().map(Bytes::from)
}
