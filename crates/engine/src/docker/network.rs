//! Tenants' networks.

use std::time::Duration;

use bollard::models::{
    EndpointResource, Ipam, IpamConfig, Network, NetworkCreateRequest, NetworkDisconnectRequest,
};
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptions};
use ipnet::Ipv4Net;

use super::Docker;
use super::call::{if_found, malformed, says, status};
use super::exit;
use crate::error::ContainerError;
use crate::network_rules;
use crate::ownership::owned_by;
use crate::spec::{NetworkRef, NetworkSpec};

/// An engine reserves a network's addresses some time before it shows the network, so another caller's half-made one
/// looks like a stranger's. So often we look again,
const TRIES: u32 = 20;
/// and so long apart: two seconds in all, several times what making a network takes.
const PAUSE: Duration = Duration::from_millis(100);

impl Docker {
    /// The id of the wanted network, which exists afterwards.
    pub(super) async fn make_network(&self, spec: &NetworkSpec) -> Result<String, ContainerError> {
        for _ in 0..TRIES {
            if let Some(network) = self.find_network(&spec.name).await? {
                let labels = network.labels.clone().unwrap_or_default();
                network_rules::accept(spec, &labels, subnet(&network), exit::is_in(&network))?;
                return network.id.ok_or_else(|| malformed("list networks", "an id"));
            }
            match self.create_network(spec).await {
                Ok(id) => self.settle_duplicates(&spec.name, &id).await?,
                Err(error) if status(&error) == Some(409) => {}
                Err(error) if says(&error, "overlap") => self.name_the_overlap(spec).await?,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(network_rules::subnet_taken(spec, None))
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<String, ContainerError> {
        let config = IpamConfig { subnet: Some(spec.subnet.to_string()), ..Default::default() };
        let request = NetworkCreateRequest {
            name: spec.name.clone(),
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam { config: Some(vec![config]), ..Default::default() }),
            labels: Some(network_rules::labels(spec)),
            internal: Some(!spec.has_exit),
            options: (!spec.has_exit).then(|| exit::options(&spec.name)),
            ..Default::default()
        };
        self.call("create network", self.api.create_network(request)).await.map(|answer| answer.id)
    }

    /// Old engines let two callers make networks of one name. All callers keep the first of them by the same rule.
    async fn settle_duplicates(&self, name: &str, ours: &str) -> Result<(), ContainerError> {
        let first = self.networks_named(name).await?.into_iter().filter_map(|network| network.id).min();
        if first.is_some_and(|id| id != ours) {
            if_found(self.call("remove network", self.api.remove_network(ours)).await)?;
        }
        Ok(())
    }

    /// An error when a visible network of another name has some of the addresses.
    async fn name_the_overlap(&self, spec: &NetworkSpec) -> Result<(), ContainerError> {
        let networks = self.call("list networks", self.api.list_networks(None)).await?;
        let others = networks.iter().filter(|network| network.name.as_deref() != Some(&spec.name));
        let by = others.flat_map(subnets).find(|other| network_rules::overlap(*other, spec.subnet));
        by.map_or(Ok(()), |by| Err(network_rules::subnet_taken(spec, Some(by))))
    }

    pub(super) async fn take_network_down(&self, network: &NetworkRef) -> Result<(), ContainerError> {
        for found in self.networks_named(&network.name).await? {
            if !owned_by(&found.labels.unwrap_or_default(), network.tenant, &network.cluster) {
                return Err(network_rules::not_ours(&network.name));
            }
            let id = found.id.ok_or_else(|| malformed("list networks", "an id"))?;
            self.detach_shared(network, &id).await?;
            match self.call("remove network", self.api.remove_network(&id)).await {
                Err(error) if says(&error, "active endpoints") => {
                    return Err(network_rules::in_use(&network.name));
                }
                removed => if_found(removed)?,
            };
        }
        Ok(())
    }

    /// Takes the shared containers out. Tenants' containers stay: with one of them, nothing is changed.
    async fn detach_shared(&self, network: &NetworkRef, id: &str) -> Result<(), ContainerError> {
        let inspect = self.api.inspect_network(id, None::<InspectNetworkOptions>);
        let Some(found) = if_found(self.call("inspect network", inspect).await)? else { return Ok(()) };
        let inside = found.containers.unwrap_or_default();
        let shared = self.shared_ids(&network.cluster, None).await?;
        if inside
            .iter()
            .any(|(container, endpoint)| !shared.contains(container) && !is_ghost(container, endpoint))
        {
            return Err(network_rules::in_use(&network.name));
        }
        // Also those that do not run: the engine would fail to start them with a network that is gone.
        for container in shared {
            if inside.contains_key(&container) || self.is_joined(&container, &network.name).await? {
                self.disconnect(id, &container).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn disconnect(&self, network: &str, container: &str) -> Result<(), ContainerError> {
        let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
        let disconnect = self.api.disconnect_network(network, request);
        match self.call("detach from network", disconnect).await {
            Err(error) if says(&error, "is not connected") => Ok(()),
            answer => if_found(answer).map(|_| ()),
        }
    }

    /// The network of exactly this name; the first one, should there be two.
    pub(super) async fn find_network(&self, name: &str) -> Result<Option<Network>, ContainerError> {
        Ok(self.networks_named(name).await?.into_iter().min_by_key(|network| network.id.clone()))
    }

    async fn networks_named(&self, name: &str) -> Result<Vec<Network>, ContainerError> {
        // The engine's own filter matches parts of names as well.
        let mut networks = self.list_networks("name", vec![name.to_owned()]).await?;
        networks.retain(|network| network.name.as_deref() == Some(name));
        Ok(networks)
    }

    /// All networks with all of these labels.
    pub(super) async fn labelled_networks(
        &self,
        labels: Vec<String>,
    ) -> Result<Vec<Network>, ContainerError> {
        self.list_networks("label", labels).await
    }

    async fn list_networks(&self, filter: &str, values: Vec<String>) -> Result<Vec<Network>, ContainerError> {
        let filters = [(filter.to_owned(), values)].into();
        let options = ListNetworksOptions { filters: Some(filters) };
        self.call("list networks", self.api.list_networks(Some(options))).await
    }
}

/// An endpoint whose container is gone, as a crash of the engine leaves them: shown under a name made for it.
fn is_ghost(container: &str, endpoint: &EndpointResource) -> bool {
    container.starts_with("ep-") || endpoint.name.as_deref().is_none_or(str::is_empty)
}

/// The subnet of a network that has exactly one.
pub(super) fn subnet(network: &Network) -> Option<Ipv4Net> {
    let [config] = network.ipam.as_ref()?.config.as_deref()? else { return None };
    config.subnet.as_deref()?.parse().ok()
}

/// Every subnet of a network: others' may have several, of both families.
fn subnets(network: &Network) -> impl Iterator<Item = Ipv4Net> + '_ {
    let configs = network.ipam.as_ref().and_then(|ipam| ipam.config.as_deref()).unwrap_or_default();
    configs.iter().filter_map(|config| config.subnet.as_deref()?.parse().ok())
}
