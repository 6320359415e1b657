//! What callers ask for. How it is hardened is not theirs to say, so there is no field for it.

use std::collections::BTreeMap;
use std::time::Duration;

use common::cluster::ClusterId;
use common::id::TenantId;
use ipnet::Ipv4Net;
use secrecy::SecretString;

use crate::ownership::Ownership;

/// Where secret files appear inside a container.
pub const SECRETS_DIR: &str = "/run/secrets";

/// The user and group every container of ours runs as: `node` in n8n's image.
pub const TENANT_UID: u32 = 1000;

/// A bridge network of one tenant, and the shared containers that are reachable in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Should sort after the names of the networks that the shared containers come from: before version 28, Docker sends
    /// a container's outgoing traffic, and its published ports, through the first of its networks by name, so one that
    /// sorts before them interrupts the edge each time it is attached or detached.
    pub name: String,
    /// The tenant; `None` for the shared instance.
    pub tenant: Option<TenantId>,
    pub cluster: ClusterId,
    /// Allocated by us: the engines' own pools end at about thirty networks.
    pub subnet: Ipv4Net,
    /// The roles of the shared containers that are in it: the values of their label `io.rp9.attach`, such as `edge`, `postgres`, `redis`.
    /// Each answers there to its role as its name.
    pub attach: Vec<String>,
    /// Whether containers in it reach what is outside of it: the internet, names, the engine's machine as far as that lets them. Without an exit
    /// there are only those who are in it, the shared ones among them.
    pub has_exit: bool,
    /// Noted when the network is made. A caller with a smaller one than is noted is refused.
    pub generation: i64,
}

/// A network by name, with the owner it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRef {
    pub name: String,
    pub tenant: Option<TenantId>,
    pub cluster: ClusterId,
}

/// A container by name, with the owner it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRef {
    pub name: String,
    pub tenant: Option<TenantId>,
    pub cluster: ClusterId,
    /// The newest generation the caller knows of: a container newer than this is left alone and the call refused,
    /// so that a late undo cannot take away what its successor made. `None`: whatever generation is there.
    pub generation: Option<i64>,
}

/// A container as it should be.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    pub name: String,
    pub owner: Ownership,
    pub image: String,
    /// Arguments to the image's entry point; empty for the image's own.
    pub command: Vec<String>,
    /// Nothing secret: the environment is visible to everybody who may look at the container.
    pub env: BTreeMap<String, String>,
    /// Which way of launching this is, as the caller counts them: told by a label, so that what was made in another way is
    /// seen from outside. A container without the label is of way 1.
    pub launch: u32,
    /// Which of the caller's own settings went into it: told by a label as well, and only ever compared. Nothing secret.
    pub settings: String,
    /// Labels for others (Traefik's, say). None may begin with `io.rp9.`.
    pub labels: BTreeMap<String, String>,
    /// A network that [`ensure_network`](crate::Containers::ensure_network) made for the same tenant.
    pub network: String,
    /// The names it answers to there, beside its own.
    pub aliases: Vec<String>,
    pub limits: Limits,
    pub health: Option<HealthCheck>,
    pub restart: RestartPolicy,
    /// How long it may take to end by itself before it is killed.
    pub stop_timeout: Duration,
    pub tmpfs: Vec<Tmpfs>,
    pub secrets: Vec<SecretFile>,
}

/// What a container may use. Changeable while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_mb: u32,
    /// Processes and threads.
    pub pids: u32,
}

/// How the engine finds out whether a container is well.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct HealthCheck {
    /// Run inside the container, without a shell; well means exit code 0.
    pub argv: Vec<String>,
    pub interval: Duration,
    pub timeout: Duration,
    /// Failures in this first while do not count.
    pub start_period: Duration,
    /// So many failures in a row make it unhealthy.
    pub retries: u32,
}

/// What the engine does by itself when a container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Nothing.
    Never,
    /// Starts it again after a failure, at most so often.
    OnFailure(u32),
    /// Starts it again always, also when the engine itself was restarted, but not after a wanted stop.
    UnlessStopped,
}

/// A directory in memory, writable by the container, gone when it stops.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Tmpfs {
    pub path: String,
    pub size_mb: u32,
}

/// A secret as a file. Owned by [`TENANT_UID`].
#[derive(Clone, Debug)]
pub struct SecretFile {
    /// Absolute, directly in [`SECRETS_DIR`].
    pub path: String,
    pub content: SecretString,
    /// Permission bits; `0o400` unless there is a reason.
    pub mode: u32,
}

impl ContainerSpec {
    /// The container this describes, up to this generation.
    pub fn reference(&self) -> ContainerRef {
        ContainerRef {
            name: self.name.clone(),
            tenant: self.owner.tenant,
            cluster: self.owner.cluster.clone(),
            generation: Some(self.owner.generation),
        }
    }

    /// The network it joins.
    pub fn network_ref(&self) -> NetworkRef {
        NetworkRef {
            name: self.network.clone(),
            tenant: self.owner.tenant,
            cluster: self.owner.cluster.clone(),
        }
    }
}

impl NetworkSpec {
    /// The network this describes.
    pub fn reference(&self) -> NetworkRef {
        NetworkRef { name: self.name.clone(), tenant: self.tenant, cluster: self.cluster.clone() }
    }
}

/// The volume that holds a container's secrets.
pub(crate) fn secrets_volume(container: &str) -> String {
    format!("{container}{SECRETS_SUFFIX}")
}

/// The container whose secrets a volume of this name holds.
pub(crate) fn container_of_volume(volume: &str) -> Option<&str> {
    volume.strip_suffix(SECRETS_SUFFIX).filter(|name| !name.is_empty())
}

/// The volume that says which record drives a cluster here: nothing is in it, its labels tell.
pub(crate) fn record_volume(cluster: &ClusterId) -> String {
    format!("rp9-{cluster}-record")
}

/// No container's name may end like this, see [`crate::check`].
pub(crate) const SECRETS_SUFFIX: &str = ".secrets";
