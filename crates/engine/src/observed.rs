//! What an engine shows of our objects.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use common::cluster::ClusterId;
use common::id::TenantId;
use ipnet::Ipv4Net;
use time::OffsetDateTime;

use crate::hash::SpecHash;
use crate::ownership::Ownership;
use crate::spec::{ContainerRef, Limits, NetworkRef};

/// Everything of one cluster that carries our labels completely. What we cannot name is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub containers: Vec<Observed>,
    pub networks: Vec<NetworkObserved>,
    pub volumes: Vec<VolumeObserved>,
    /// Containers that are there, and of which the engine did not say more.
    pub unknown: BTreeSet<String>,
}

impl Inventory {
    /// Whether nothing of ours is left.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty()
            && self.networks.is_empty()
            && self.volumes.is_empty()
            && self.unknown.is_empty()
    }

    /// The tenants that own something of it.
    pub fn tenants(&self) -> BTreeSet<TenantId> {
        let containers = self.containers.iter().map(|container| container.owner.tenant);
        let networks = self.networks.iter().map(|network| network.tenant);
        let volumes = self.volumes.iter().map(|volume| volume.tenant);
        containers.chain(networks).chain(volumes).flatten().collect()
    }

    /// The container of this name.
    pub fn find(&self, name: &str) -> Option<&Observed> {
        self.containers.iter().find(|c| c.name == name)
    }
}

/// One of our containers, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    pub name: String,
    pub owner: Ownership,
    /// The specification it was made from, limits left out (see [`SpecHash`]).
    pub spec: SpecHash,
    pub image: String,
    /// Which way of launching it this is (see [`ContainerSpec::launch`](crate::ContainerSpec)).
    pub launch: u32,
    /// Which of its maker's settings went into it; empty where none are told.
    pub settings: String,
    pub state: State,
    pub health: Health,
    /// How often the engine started it again by itself, since it was last started on purpose.
    pub restarts: u64,
    pub limits: Limits,
    /// Its address in the tenant's network, while it runs.
    pub address: Option<Ipv4Addr>,
    /// When it was last started, if ever.
    pub started_at: Option<OffsetDateTime>,
    /// What it ended with, once it has ended.
    pub exit_code: Option<i64>,
    /// Whether it ended for want of memory, once it has ended.
    pub oom_killed: bool,
}

impl Observed {
    /// This container, up to the generation that was seen.
    pub fn reference(&self) -> ContainerRef {
        ContainerRef {
            name: self.name.clone(),
            tenant: self.owner.tenant,
            cluster: self.owner.cluster.clone(),
            generation: Some(self.owner.generation),
        }
    }

    /// Runs, and its health check (if it has one) says that it is well.
    pub fn is_ready(&self) -> bool {
        self.state == State::Running && matches!(self.health, Health::Healthy | Health::None)
    }
}

/// Where a container is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Made and never started: its maker was interrupted.
    Created,
    Running,
    Paused,
    /// Ended, and the engine is about to start it again.
    Restarting,
    Exited,
    /// Being removed, or what a failed removal left.
    Removing,
}

/// What a container's own health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// There is no check, or the container does not run.
    None,
    Starting,
    Healthy,
    Unhealthy,
}

/// One of our networks, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkObserved {
    pub name: String,
    pub tenant: Option<TenantId>,
    pub cluster: ClusterId,
    pub subnet: Option<Ipv4Net>,
    /// Whether containers in it reach what is outside of it.
    pub has_exit: bool,
    pub generation: i64,
    /// The roles of the shared containers in it; a role counts when all its running containers are.
    pub attached: BTreeSet<String>,
}

impl NetworkObserved {
    /// This network and the owner that was seen.
    pub fn reference(&self) -> NetworkRef {
        NetworkRef { name: self.name.clone(), tenant: self.tenant, cluster: self.cluster.clone() }
    }
}

/// A volume with the secrets of one container. Removing the container removes it, also when only the volume is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeObserved {
    pub name: String,
    pub tenant: Option<TenantId>,
    pub cluster: ClusterId,
    /// The container it belongs to, which may be gone.
    pub container: String,
}

impl VolumeObserved {
    /// The container whose removal takes this volume along.
    pub fn reference(&self) -> ContainerRef {
        ContainerRef {
            name: self.container.clone(),
            tenant: self.tenant,
            cluster: self.cluster.clone(),
            generation: None,
        }
    }
}

/// Something of ours changed. A reason to look, and what a look cannot show: events may be lost and may come twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub tenant: Option<TenantId>,
    pub object: Object,
    pub name: String,
    /// By the engine's clock.
    pub at: OffsetDateTime,
    pub news: News,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Something: look.
    Changed,
    /// A container's process ended, whoever wanted that.
    Ended { exit_code: Option<i64> },
    /// A process in the container was killed for want of memory.
    OutOfMemory,
}

/// What sort of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    Container,
    Network,
    Volume,
    /// A shared container that was started: its networks may lack it.
    Shared,
}

/// How a container that runs once ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    pub exit_code: i64,
    /// The end of what it wrote, with the contents of its secret files blotted out.
    pub logs_tail: String,
}
