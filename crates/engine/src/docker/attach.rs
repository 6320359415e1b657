//! Shared containers in tenants' networks.

use common::cluster::ClusterId;
use std::collections::BTreeSet;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum, EndpointSettings, NetworkConnectRequest};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptions};

use super::Docker;
use super::call::{if_found, says};
use crate::error::ContainerError;
use crate::ownership::label;
use crate::spec::NetworkSpec;

/// How a shared container stands to a network.
enum Membership {
    /// In it, under the wanted name.
    In,
    Out,
    /// Under another name, or in a network of that name that is gone.
    Wrong,
}

impl Docker {
    /// Every shared container of the role is in the network afterwards, under that role as its name.
    pub(super) async fn attach(
        &self,
        spec: &NetworkSpec,
        id: &str,
        role: &str,
    ) -> Result<(), ContainerError> {
        let holders = self.shared_ids(&spec.cluster, Some(role)).await?;
        if holders.is_empty() {
            return Err(ContainerError::NoSharedContainer { role: role.to_owned() });
        }
        for container in holders {
            match self.membership(&container, spec, id, role).await? {
                Membership::In => continue,
                Membership::Out => {}
                Membership::Wrong => self.disconnect(&spec.name, &container).await?,
            }
            self.join(&container, spec, id, role).await?;
        }
        Ok(())
    }

    async fn join(
        &self,
        container: &str,
        spec: &NetworkSpec,
        id: &str,
        alias: &str,
    ) -> Result<(), ContainerError> {
        let endpoint = EndpointSettings {
            aliases: Some(vec![alias.to_owned()]),
            // Never the shared container's way out. Engines before 28 do not know this and go by the networks' names,
            // see `NetworkSpec::name`.
            gw_priority: Some(-1),
            ..Default::default()
        };
        let request =
            NetworkConnectRequest { container: container.to_owned(), endpoint_config: Some(endpoint) };
        match self.call("attach to network", self.api.connect_network(id, request)).await {
            // Another caller was faster. Whether it did the same is looked at, not assumed.
            Err(error) if says(&error, "already exists in network") => {
                match self.membership(container, spec, id, alias).await? {
                    Membership::In => Ok(()),
                    Membership::Out | Membership::Wrong => Err(error),
                }
            }
            answer => answer,
        }
    }

    async fn membership(
        &self,
        container: &str,
        spec: &NetworkSpec,
        id: &str,
        alias: &str,
    ) -> Result<Membership, ContainerError> {
        let inspect = self.api.inspect_container(container, None::<InspectContainerOptions>);
        // Gone since it was listed: connecting it will fail, and say so.
        let Some(found) = if_found(self.call("inspect container", inspect).await)? else {
            return Ok(Membership::Out);
        };
        let running = found.state.and_then(|state| state.running).unwrap_or_default();
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let Some(endpoint) = networks.get(&spec.name) else { return Ok(Membership::Out) };
        let named = endpoint.aliases.as_ref().is_some_and(|aliases| aliases.iter().any(|name| name == alias));
        // A stopped container joins by name when it starts, whatever network it was in before.
        let same = !running || endpoint.network_id.as_deref() == Some(id);
        Ok(if named && same { Membership::In } else { Membership::Wrong })
    }

    /// Whether a container, running or not, is in the network of this name.
    pub(super) async fn is_joined(&self, container: &str, network: &str) -> Result<bool, ContainerError> {
        let inspect = self.api.inspect_container(container, None::<InspectContainerOptions>);
        let found = if_found(self.call("inspect container", inspect).await)?;
        let networks = found.and_then(|found| found.network_settings?.networks).unwrap_or_default();
        Ok(networks.contains_key(network))
    }

    /// The ids of the cluster's shared containers: of one role, or of all.
    pub(super) async fn shared_ids(
        &self,
        cluster: &ClusterId,
        role: Option<&str>,
    ) -> Result<BTreeSet<String>, ContainerError> {
        let shared = self.shared(cluster, role).await?.into_iter();
        Ok(shared.filter_map(|container| container.id).collect())
    }

    /// The cluster's shared containers, running or not.
    pub(super) async fn shared(
        &self,
        cluster: &ClusterId,
        role: Option<&str>,
    ) -> Result<Vec<ContainerSummary>, ContainerError> {
        let role = role.map_or_else(|| label::ATTACH.to_owned(), |role| format!("{}={role}", label::ATTACH));
        let mut found = self.list_containers(vec![role, format!("{}={cluster}", label::CLUSTER)]).await?;
        found.retain(|container| {
            use ContainerSummaryStateEnum::{DEAD, REMOVING};
            !matches!(container.state, Some(DEAD | REMOVING))
        });
        Ok(found)
    }

    /// All containers with all of these labels.
    pub(super) async fn list_containers(
        &self,
        labels: Vec<String>,
    ) -> Result<Vec<ContainerSummary>, ContainerError> {
        let filters = [("label".to_owned(), labels)].into();
        let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        self.call("list containers", self.api.list_containers(Some(options))).await
    }
}
