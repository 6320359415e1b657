//! The port: what the control plane needs of a container engine.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;
use common::cluster::ClusterId;
use common::id::RecordId;
use futures::stream::BoxStream;

use crate::capacity::Capacity;
use crate::error::ContainerError;
use crate::exec::{Exec, Executed};
use crate::logs::{LogQuery, Logs};
use crate::observed::{Event, Finished, Inventory, Observed};
use crate::selection::Selection;
use crate::spec::{ContainerRef, ContainerSpec, Limits, NetworkRef, NetworkSpec};
use crate::usage::Usage;

/// A container engine. Every verb may be repeated, may find half of its work done, and may be called by several at once.
#[async_trait]
pub trait Containers: Send + Sync {
    /// Whether the engine answers.
    async fn ping(&self) -> Result<(), ContainerError>;

    /// What a single container can be given at most.
    async fn capacity(&self) -> Result<Capacity, ContainerError>;

    /// Makes the network exist with this subnet and owner, and the shared containers be attached to it under their
    /// aliases, those that were recreated since too.
    ///
    /// A network of that name with another subnet or owner, or of a newer generation, is a conflict and stays as it is.
    /// Addresses that another network has are [`ContainerError::SubnetTaken`].
    /// A shared container that does not exist is [`ContainerError::NoSharedContainer`].
    async fn ensure_network(&self, spec: &NetworkSpec) -> Result<(), ContainerError>;

    /// Detaches the shared containers and removes the network; absent is fine. A network with tenants' containers in it,
    /// or with other labels than these, is a conflict.
    async fn remove_network(&self, network: &NetworkRef) -> Result<(), ContainerError>;

    /// Makes a container of this specification run. Does not wait for its health.
    ///
    /// The same specification running already: only its limits are brought in line, live. Stopped: started. An older (or
    /// equally old, but different) one: replaced. A newer one, or one of another owner: a conflict, and it stays as it is.
    async fn ensure_running(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError>;

    /// The same, but a container of this generation and image that is there keeps the settings it was made with: it is started if it
    /// does not run, and its limits are brought in line. What a newer [`launch`](ContainerSpec::launch) made keeps them with
    /// [`ensure_running`](Self::ensure_running) too.
    async fn ensure_alive(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError>;

    /// Runs a container to its end and removes it, whatever the end. Its restart policy is ignored.
    ///
    /// One of the same specification left by a crashed caller is joined if it still runs, and believed if it succeeded;
    /// any other is replaced under the rules of [`ensure_running`](Self::ensure_running). After `timeout` it is killed.
    async fn run_once(&self, spec: &ContainerSpec, timeout: Duration) -> Result<Finished, ContainerError>;

    /// Stops the container within its own stop timeout and removes it with its secrets; absent is fine.
    /// Another owner, or a newer generation than the reference allows, is a conflict.
    async fn remove(&self, container: &ContainerRef) -> Result<(), ContainerError>;

    /// Ends the container's process, by force after `grace`, and starts it again: also one that hangs, or that the engine
    /// waits to start. What it was made from stays. Another owner, or a newer generation than the reference allows, is a
    /// conflict.
    async fn restart(&self, container: &ContainerRef, grace: Duration) -> Result<(), ContainerError>;

    /// Changes the limits of a container without restarting it, and reads them back.
    async fn resize(&self, container: &ContainerRef, limits: Limits) -> Result<Observed, ContainerError>;

    /// What is selected of this cluster, as far as it is ours. It costs no more than that.
    async fn observe(&self, cluster: &ClusterId, selection: Selection) -> Result<Inventory, ContainerError>;

    /// What each selected container that runs uses. One that the engine does not answer for is left out.
    async fn stats(&self, cluster: &ClusterId, selection: Selection) -> Result<Vec<Usage>, ContainerError>;

    /// The container's address in its tenant's network. One that does not run has none ([`ContainerError::NotRunning`]).
    async fn address(&self, container: &ContainerRef) -> Result<Ipv4Addr, ContainerError>;

    /// Runs a program in a container that runs, and waits for its end within the time that it is given. Whether that may be repeated is
    /// the program's affair. Another owner, or a newer generation than the reference allows, is a conflict.
    async fn exec(&self, container: &ContainerRef, exec: &Exec) -> Result<Executed, ContainerError>;

    /// The end of what a container wrote, oldest line first; one of another owner is a conflict. Programs write what they please:
    /// this may hold anything the tenant's own people put in.
    async fn logs(&self, container: &ContainerRef, query: LogQuery) -> Result<Logs, ContainerError>;

    /// Follows changes from the moment of the call. The stream ends when the engine is lost: call again.
    /// Not every change is told (see [`Event`]), so look by a timer as well.
    async fn events(&self, cluster: &ClusterId) -> Result<BoxStream<'static, Event>, ContainerError>;

    /// The record that drives this cluster here, as was last noted.
    async fn record(&self, cluster: &ClusterId) -> Result<Option<RecordId>, ContainerError>;

    /// Notes that `record` drives this cluster here, in place of `former`. When another one is noted than `former` or
    /// `record`, it is a conflict and stays so.
    async fn note_record(
        &self,
        cluster: &ClusterId,
        record: RecordId,
        former: Option<RecordId>,
    ) -> Result<(), ContainerError>;
}
