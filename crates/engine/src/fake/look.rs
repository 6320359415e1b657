//! Observing the fake world.

use common::cluster::ClusterId;
use std::collections::BTreeSet;

use super::state::{Container, State};
use crate::hash::SpecHash;
use crate::observed::{
    Health, Inventory, NetworkObserved, Observed, State as ContainerState, VolumeObserved,
};
use crate::ownership::{Ownership, label, owned_by, read_tenant};
use crate::plan::Found;
use crate::selection::Selection;
use crate::spec::container_of_volume;
use crate::usage::Usage;

impl State {
    pub(super) fn found(&self, name: &str, network: &str) -> Option<Found> {
        let container = self.containers.get(name)?;
        Some(Found {
            owner: Ownership::read(&container.labels),
            hash: container.hash.clone(),
            image: container.spec.as_ref().map(|spec| spec.image.clone()).unwrap_or_default(),
            launch: container.spec.as_ref().map_or(1, |spec| spec.launch),
            state: container.state,
            in_network: self.networks.get(network).is_some_and(|n| container.network_id == Some(n.id)),
            exit_code: container.exit_code,
        })
    }

    pub(super) fn observed(&self, name: &str) -> Option<Observed> {
        let container = self.containers.get(name)?;
        Some(Observed {
            name: name.to_owned(),
            owner: Ownership::read(&container.labels)?,
            spec: container.hash.clone().unwrap_or_else(|| SpecHash::read("")),
            image: container.spec.as_ref().map(|spec| spec.image.clone()).unwrap_or_default(),
            launch: container.spec.as_ref().map_or(1, |spec| spec.launch),
            settings: container.spec.as_ref().map(|spec| spec.settings.clone()).unwrap_or_default(),
            state: container.state,
            health: self.health_of(name, container),
            restarts: container.restarts,
            limits: container.limits,
            address: container.address.filter(|_| container.state == ContainerState::Running),
            started_at: container.started_at,
            exit_code: container.exit_code.filter(|_| container.state != ContainerState::Running),
            oom_killed: container.oom_killed && container.state != ContainerState::Running,
        })
    }

    fn health_of(&self, name: &str, container: &Container) -> Health {
        let checked = container.spec.as_ref().is_some_and(|spec| spec.health.is_some());
        if !checked || container.state != ContainerState::Running {
            return Health::None;
        }
        let truth = if container.hung { Health::Unhealthy } else { Health::Healthy };
        self.health.get(name).copied().unwrap_or(truth)
    }

    pub(super) fn inventory(&self, cluster: &ClusterId) -> Inventory {
        let containers = self.containers.keys().filter_map(|name| self.observed(name));
        let (silent, containers): (Vec<_>, Vec<_>) =
            containers.filter(|c| c.owner.cluster == *cluster).partition(|c| self.silent.contains(&c.name));
        let networks = self.networks.keys().filter_map(|name| self.network_observed(name, cluster));
        let volumes = self.volumes.keys().filter_map(|name| self.volume_observed(name, cluster));
        Inventory {
            containers,
            networks: networks.collect(),
            volumes: volumes.collect(),
            unknown: silent.into_iter().map(|c| c.name).collect(),
        }
    }

    pub(super) fn usage(&self, cluster: &ClusterId, selection: Selection) -> Vec<Usage> {
        let seen = self.inventory(cluster).select(selection).containers.into_iter();
        let running = seen.filter(|container| container.state == ContainerState::Running);
        let measured = running.map(|container| {
            let (cpu, memory) = self.used.get(&container.name).copied().unwrap_or_default();
            Usage { name: container.name, owner: container.owner, at: common::clock::now(), cpu, memory }
        });
        measured.collect()
    }

    fn network_observed(&self, name: &str, cluster: &ClusterId) -> Option<NetworkObserved> {
        let network = self.networks.get(name)?;
        let tenant = read_tenant(&network.labels)?;
        if !owned_by(&network.labels, tenant, cluster) {
            return None;
        }
        let roles: BTreeSet<_> =
            self.shared.iter().filter(|s| s.cluster == *cluster).map(|s| s.role.clone()).collect();
        let all_in = |role: &String| {
            let mut holders = self.shared.iter().filter(|s| s.cluster == *cluster && s.role == *role);
            holders.all(|shared| shared.attached.contains(&network.id))
        };
        Some(NetworkObserved {
            name: name.to_owned(),
            tenant,
            cluster: cluster.clone(),
            subnet: Some(network.subnet),
            has_exit: network.has_exit,
            generation: network.labels.get(label::GENERATION)?.parse().ok()?,
            attached: roles.into_iter().filter(all_in).collect(),
        })
    }

    fn volume_observed(&self, name: &str, cluster: &ClusterId) -> Option<VolumeObserved> {
        let labels = self.volumes.get(name)?;
        let tenant = read_tenant(labels)?;
        let container = container_of_volume(name).filter(|_| owned_by(labels, tenant, cluster))?;
        Some(VolumeObserved {
            name: name.to_owned(),
            tenant,
            cluster: cluster.clone(),
            container: container.to_owned(),
        })
    }
}
