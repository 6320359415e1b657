//! What there is of a cluster: listed by its labels, and each container looked at.

use common::cluster::ClusterId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum, Network, Volume};
use bollard::query_parameters::ListVolumesOptions;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Docker;
use super::body::MEGABYTE;
use super::call::{if_found, malformed};
use super::exit;
use super::network::subnet;
use super::observe::observed;
use crate::capacity::Capacity;
use crate::error::ContainerError;
use crate::observed::{Inventory, NetworkObserved, Observed, VolumeObserved};
use crate::ownership::{Ownership, label, owned_by, read_tenant};
use crate::selection::Selection;
use crate::spec::container_of_volume;

/// Containers looked at side by side: enough to hide the engine's latency, few enough not to crowd out other calls.
pub(super) const AT_ONCE: usize = 16;

/// When more containers than this are silent, it is the engine that does not answer. Fewer than are looked at side by side, so that
/// this is known after the first of them.
const SILENT: usize = 5;

/// What the engine has is asked again after this.
const MEASURED_FOR: Duration = Duration::from_secs(60);

impl Docker {
    pub(super) async fn inventory(
        &self,
        cluster: &ClusterId,
        selection: Selection,
    ) -> Result<Inventory, ContainerError> {
        let labels = selection.labels(cluster);
        let mut inventory = self.containers(labels.clone()).await?;
        if selection.is_whole() {
            inventory.networks = self.networks(cluster, labels.clone()).await?;
            inventory.volumes = self.volumes(cluster, labels).await?;
        }
        Ok(inventory)
    }

    async fn containers(&self, labels: Vec<String>) -> Result<Inventory, ContainerError> {
        let listed = self.list_containers(labels).await?.into_iter().filter(is_ours);
        let looks = stream::iter(listed).map(|listed| self.look_at(listed));
        let mut looks = std::pin::pin!(looks.buffer_unordered(AT_ONCE));
        let mut inventory = Inventory::default();
        while let Some(look) = looks.try_next().await? {
            match look {
                Look::Seen(container) => inventory.containers.push(container),
                Look::Silent(name, error) => {
                    inventory.unknown.extend([name]);
                    if inventory.unknown.len() > SILENT {
                        return Err(error);
                    }
                }
                Look::Gone => {}
            }
        }
        inventory.containers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(inventory)
    }

    async fn networks(
        &self,
        cluster: &ClusterId,
        labels: Vec<String>,
    ) -> Result<Vec<NetworkObserved>, ContainerError> {
        let networks = self.labelled_networks(labels).await?;
        let attached = Attached::read(&self.shared(cluster, None).await?);
        Ok(networks.iter().filter_map(|network| network_observed(network, cluster, &attached)).collect())
    }

    async fn volumes(
        &self,
        cluster: &ClusterId,
        labels: Vec<String>,
    ) -> Result<Vec<VolumeObserved>, ContainerError> {
        let options = ListVolumesOptions { filters: Some([("label".to_owned(), labels)].into()) };
        let volumes = self.call("list volumes", self.api.list_volumes(Some(options))).await?;
        let volumes = volumes.volumes.unwrap_or_default();
        Ok(volumes.iter().filter_map(|volume| volume_observed(volume, cluster)).collect())
    }

    /// An engine that answers otherwise may be silent about one container for as long as that hangs: the others are seen.
    async fn look_at(&self, listed: ContainerSummary) -> Result<Look, ContainerError> {
        let Some(id) = listed.id.as_deref() else { return Ok(Look::Gone) };
        let inspect = self.api.inspect_container(id, None);
        let seen = self.call_within(self.options.look_timeout, "inspect container", inspect).await;
        match if_found(seen) {
            // One that vanishes between the list and the look is simply not there.
            Ok(seen) => Ok(seen.as_ref().and_then(observed).map_or(Look::Gone, Look::Seen)),
            Err(error @ (ContainerError::Timeout { .. } | ContainerError::Engine { .. })) => {
                let name = listed.names.unwrap_or_default().into_iter().next().unwrap_or_default();
                Ok(Look::Silent(name.trim_start_matches('/').to_owned(), error))
            }
            Err(error) => Err(error),
        }
    }

    /// Asked for every few seconds, told once a minute: machines rarely change, and the answer counts every container there is.
    pub(super) async fn measure(&self) -> Result<Capacity, ContainerError> {
        let told = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, capacity)) = told.filter(|(at, _)| at.elapsed() < MEASURED_FOR) {
            return Ok(capacity);
        }
        let capacity = self.ask_capacity().await?;
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), capacity));
        Ok(capacity)
    }

    async fn ask_capacity(&self) -> Result<Capacity, ContainerError> {
        let info = self.call("measure the engine", self.api.info()).await?;
        let cores = info.ncpu.filter(|cores| *cores > 0);
        let memory = info.mem_total.filter(|bytes| *bytes > 0);
        let (Some(cores), Some(memory)) = (cores, memory) else {
            return Err(malformed("measure the engine", "cores or memory"));
        };
        let whole = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        Ok(Capacity { cpu_millis: whole(cores).saturating_mul(1000), memory_mb: whole(memory / MEGABYTE) })
    }
}

/// What a look at one listed container showed.
enum Look {
    Seen(Observed),
    Gone,
    /// And why nothing more is known of it.
    Silent(String, ContainerError),
}

fn is_ours(container: &ContainerSummary) -> bool {
    container.labels.as_ref().is_some_and(|labels| Ownership::read(labels).is_some())
}

/// Which shared containers are in which networks.
struct Attached(BTreeMap<String, Vec<BTreeSet<String>>>);

impl Attached {
    /// Those that run, at rest or not. The others are in no network now, and come back into theirs when they start: of a role that none runs
    /// for nothing is missing.
    fn read(shared: &[ContainerSummary]) -> Self {
        use ContainerSummaryStateEnum::{PAUSED, RUNNING};
        let mut roles = BTreeMap::<_, Vec<_>>::new();
        for container in shared {
            let role = container.labels.as_ref().and_then(|labels| labels.get(label::ATTACH));
            let holders = roles.entry(role.cloned().unwrap_or_default()).or_default();
            if !matches!(container.state, Some(RUNNING | PAUSED)) {
                continue;
            }
            let networks =
                container.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
            let ids = networks.into_iter().flat_map(|networks| networks.values());
            let ids = ids.filter_map(|endpoint| endpoint.network_id.clone()).collect();
            holders.push(ids);
        }
        Self(roles)
    }

    fn roles_in(&self, network: &str) -> BTreeSet<String> {
        let complete = |holders: &Vec<BTreeSet<String>>| holders.iter().all(|ids| ids.contains(network));
        self.0.iter().filter(|(_, holders)| complete(holders)).map(|(role, _)| role.clone()).collect()
    }
}

fn network_observed(network: &Network, cluster: &ClusterId, attached: &Attached) -> Option<NetworkObserved> {
    let labels = network.labels.as_ref()?;
    let tenant = read_tenant(labels)?;
    if !owned_by(labels, tenant, cluster) {
        return None;
    }
    Some(NetworkObserved {
        name: network.name.clone()?,
        tenant,
        cluster: cluster.clone(),
        subnet: subnet(network),
        has_exit: exit::is_in(network),
        generation: labels.get(label::GENERATION)?.parse().ok()?,
        attached: attached.roles_in(network.id.as_deref()?),
    })
}

fn volume_observed(volume: &Volume, cluster: &ClusterId) -> Option<VolumeObserved> {
    let tenant = read_tenant(&volume.labels)?;
    let container =
        container_of_volume(&volume.name).filter(|_| owned_by(&volume.labels, tenant, cluster))?;
    let (name, container) = (volume.name.clone(), container.to_owned());
    Some(VolumeObserved { name, tenant, cluster: cluster.clone(), container })
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerSummaryNetworkSettings, EndpointSettings};

    use super::*;

    fn shared(role: &str, state: ContainerSummaryStateEnum, networks: &[&str]) -> ContainerSummary {
        let endpoint = |id: &&str| {
            let endpoint = EndpointSettings { network_id: Some((*id).to_owned()), ..Default::default() };
            ((*id).to_owned(), endpoint)
        };
        let networks = Some(networks.iter().map(endpoint).collect());
        ContainerSummary {
            labels: Some([(label::ATTACH.to_owned(), role.to_owned())].into()),
            state: Some(state),
            network_settings: Some(ContainerSummaryNetworkSettings { networks }),
            ..Default::default()
        }
    }

    #[test]
    fn who_runs_has_to_be_in_a_network_and_who_does_not_is_not_missed() {
        use ContainerSummaryStateEnum::{EXITED, PAUSED, RUNNING};
        let seen = [
            shared("edge", RUNNING, &["net"]),
            shared("edge", EXITED, &[]),
            shared("postgres", PAUSED, &["net"]),
            shared("redis", EXITED, &[]),
            shared("sftp", RUNNING, &["another"]),
        ];
        let roles = Attached::read(&seen).roles_in("net");
        assert_eq!(roles, ["edge", "postgres", "redis"].map(str::to_owned).into());
    }
}
