//! The port on a Docker Engine, 20.10 (API 1.41) or newer, over its unix socket, or TCP with TLS and a client's certificate.
//!
//! Whoever can reach that socket is root on the engine's machine, so only processes that need it get it, and every
//! request for a container is built in one place (`body`) from a checked specification.

mod attach;
mod body;
mod call;
mod container;
mod events;
mod exec;
mod exit;
mod inventory;
mod locks;
mod logs;
mod network;
mod observe;
mod record;
mod run;
mod secrets;
mod stats;
mod tls;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use common::cluster::ClusterId;
use common::id::RecordId;
use futures::stream::BoxStream;

use crate::capacity::Capacity;
use crate::check;
use crate::containers::Containers;
use crate::error::ContainerError;
use crate::exec::{Exec, Executed};
use crate::logs::{LogQuery, Logs};
use crate::observed::{Event, Finished, Inventory, Observed};
use crate::plan::Demand;
use crate::selection::Selection;
use crate::spec::{ContainerRef, ContainerSpec, Limits, NetworkRef, NetworkSpec, RestartPolicy};
use crate::usage::Usage;
use locks::Locks;

/// How we talk to the engine.
#[derive(Clone, Debug)]
pub struct DockerOptions {
    /// For one call. Stopping a container may take its own stop timeout longer.
    pub call_timeout: Duration,
    /// For looking at one container of many. An engine that works answers within milliseconds, and while one is silent nobody learns of
    /// the others.
    pub look_timeout: Duration,
    /// For fetching one image.
    pub pull_timeout: Duration,
    /// Whether a missing image is fetched from its registry.
    pub pull: bool,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`, for an engine that is not on this machine.
    pub certificates: Option<PathBuf>,
}

impl Default for DockerOptions {
    fn default() -> Self {
        // n8n's image has 1.3 GB: ten minutes suffice for 20 Mbit/s.
        let (call_timeout, look_timeout) = (Duration::from_secs(30), Duration::from_secs(4));
        let pull_timeout = Duration::from_secs(600);
        Self { call_timeout, look_timeout, pull_timeout, pull: false, certificates: None }
    }
}

/// A Docker Engine.
#[derive(Clone)]
pub struct Docker {
    api: bollard::Docker,
    options: DockerOptions,
    locks: Arc<Locks>,
    /// What the engine has, and when it told.
    measured: Arc<Mutex<Option<(Instant, Capacity)>>>,
}

impl Docker {
    /// The engine at `unix:///path`. Nothing is asked of it yet.
    pub fn connect(host: &str) -> Result<Self, ContainerError> {
        Self::connect_with(host, DockerOptions::default())
    }

    /// The same, with other than the usual options; with certificates also one at `tcp://host:port`.
    pub fn connect_with(host: &str, options: DockerOptions) -> Result<Self, ContainerError> {
        let api = call::client(host, &options)?;
        Ok(Self { api, options, locks: Arc::default(), measured: Arc::default() })
    }
}

#[async_trait]
impl Containers for Docker {
    async fn ping(&self) -> Result<(), ContainerError> {
        self.call("ping", self.api.ping()).await.map(|_| ())
    }

    async fn capacity(&self) -> Result<Capacity, ContainerError> {
        self.measure().await
    }

    async fn ensure_network(&self, spec: &NetworkSpec) -> Result<(), ContainerError> {
        check::network(spec)?;
        let _lock = self.locks.take(&spec.name).await;
        let id = self.make_network(spec).await?;
        for role in &spec.attach {
            self.attach(spec, &id, role).await?;
        }
        Ok(())
    }

    async fn remove_network(&self, network: &NetworkRef) -> Result<(), ContainerError> {
        let _lock = self.locks.take(&network.name).await;
        self.take_network_down(network).await
    }

    async fn ensure_running(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError> {
        check::container(spec)?;
        let _lock = self.locks.take(&spec.name).await;
        self.bring_up(spec, Demand::Exact).await?;
        self.set_limits(&spec.name, spec.limits).await
    }

    async fn ensure_alive(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError> {
        check::container(spec)?;
        let _lock = self.locks.take(&spec.name).await;
        self.bring_up(spec, Demand::Alive).await?;
        self.set_limits(&spec.name, spec.limits).await
    }

    async fn run_once(&self, spec: &ContainerSpec, timeout: Duration) -> Result<Finished, ContainerError> {
        let spec = &ContainerSpec { restart: RestartPolicy::Never, ..spec.clone() };
        check::container(spec)?;
        let _lock = self.locks.take(&spec.name).await;
        self.run_to_end(spec, timeout).await
    }

    async fn remove(&self, container: &ContainerRef) -> Result<(), ContainerError> {
        let _lock = self.locks.take(&container.name).await;
        self.remove_owned(container).await
    }

    async fn restart(&self, container: &ContainerRef, grace: Duration) -> Result<(), ContainerError> {
        let _lock = self.locks.take(&container.name).await;
        self.restart_owned(container, grace).await
    }

    async fn resize(&self, container: &ContainerRef, limits: Limits) -> Result<Observed, ContainerError> {
        check::limits(&container.name, limits)?;
        let _lock = self.locks.take(&container.name).await;
        self.resize_owned(container, limits).await
    }

    async fn observe(&self, cluster: &ClusterId, selection: Selection) -> Result<Inventory, ContainerError> {
        self.inventory(cluster, selection).await
    }

    async fn stats(&self, cluster: &ClusterId, selection: Selection) -> Result<Vec<Usage>, ContainerError> {
        self.usage(cluster, selection).await
    }

    async fn address(&self, container: &ContainerRef) -> Result<Ipv4Addr, ContainerError> {
        self.address_of(container).await
    }

    async fn exec(&self, container: &ContainerRef, exec: &Exec) -> Result<Executed, ContainerError> {
        exec.check(&container.name)?;
        self.run_inside(container, exec).await
    }

    async fn logs(&self, container: &ContainerRef, query: LogQuery) -> Result<Logs, ContainerError> {
        self.read_logs(container, query).await
    }

    async fn events(&self, cluster: &ClusterId) -> Result<BoxStream<'static, Event>, ContainerError> {
        self.follow(cluster).await
    }

    async fn record(&self, cluster: &ClusterId) -> Result<Option<RecordId>, ContainerError> {
        self.noted_record(cluster).await
    }

    async fn note_record(
        &self,
        cluster: &ClusterId,
        record: RecordId,
        former: Option<RecordId>,
    ) -> Result<(), ContainerError> {
        let _lock = self.locks.take(cluster.as_str()).await;
        self.write_record(cluster, record, former).await
    }
}
