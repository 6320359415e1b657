//! The port, on the fake world.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;
use common::cluster::ClusterId;
use common::id::RecordId;
use futures::StreamExt as _;
use futures::channel::mpsc;
use futures::stream::BoxStream;

use super::FakeEngine;
use super::containers::{joinable, removable};
use super::effects::Change;
use super::ledger::Verb;
use super::runs::Run;
use super::state::State;
use crate::capacity::Capacity;
use crate::check;
use crate::containers::Containers;
use crate::error::ContainerError;
use crate::exec::{Exec, Executed};
use crate::logs::{LogQuery, Logs, Tail};
use crate::observed::{Event, Finished, Inventory, Observed, State as ContainerState};
use crate::ownership::Ownership;
use crate::plan::{self, Demand, RunWay};
use crate::selection::Selection;
use crate::spec::{
    ContainerRef, ContainerSpec, Limits, NetworkRef, NetworkSpec, RestartPolicy, record_volume,
};
use crate::usage::Usage;

#[async_trait]
impl Containers for FakeEngine {
    async fn ping(&self) -> Result<(), ContainerError> {
        self.look("ping", |_| ()).await
    }

    async fn capacity(&self) -> Result<Capacity, ContainerError> {
        let unlimited = Capacity { cpu_millis: u32::MAX, memory_mb: u32::MAX };
        let measured =
            self.look("measure", |state| (!state.unmeasurable).then(|| state.capacity.unwrap_or(unlimited)));
        measured.await?.ok_or(ContainerError::Timeout { call: "measure", after_ms: 0 })
    }

    async fn ensure_network(&self, spec: &NetworkSpec) -> Result<(), ContainerError> {
        check::network(spec)?;
        self.make_network(spec).await?;
        for role in &spec.attach {
            self.attach(spec, role).await?;
        }
        Ok(())
    }

    async fn remove_network(&self, network: &NetworkRef) -> Result<(), ContainerError> {
        self.take_network_down(network).await
    }

    async fn ensure_running(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError> {
        check::container(spec)?;
        self.look("network", |state| joinable(state, spec)).await??;
        self.bring_up(spec, Demand::Exact).await?;
        self.set_limits(&spec.name, spec.limits).await
    }

    async fn ensure_alive(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError> {
        check::container(spec)?;
        self.look("network", |state| joinable(state, spec)).await??;
        self.bring_up(spec, Demand::Alive).await?;
        self.set_limits(&spec.name, spec.limits).await
    }

    async fn run_once(&self, spec: &ContainerSpec, timeout: Duration) -> Result<Finished, ContainerError> {
        let spec = &ContainerSpec { restart: RestartPolicy::Never, ..spec.clone() };
        check::container(spec)?;
        self.look("network", |state| joinable(state, spec)).await??;
        let found = self.look("inspect", |state| state.found(&spec.name, &spec.network)).await?;
        match plan::run_once(spec, found.as_ref())? {
            RunWay::Create => self.create(spec).await?,
            RunWay::Replace => {
                self.take_down(&spec.name).await?;
                self.create(spec).await?;
            }
            RunWay::Finish => self.finish(spec).await?,
            RunWay::Join => {}
            RunWay::Believe => {
                self.take_down(&spec.name).await?;
                return Ok(Finished { exit_code: 0, logs_tail: String::new() });
            }
        }
        let end = self.look("wait", |state| state.runs.as_ref().map(|runs| runs(spec))).await?;
        self.take_down(&spec.name).await?;
        match end.unwrap_or(Run::Exits { code: 0, logs: String::new() }) {
            Run::Exits { code, logs } => Ok(Finished { exit_code: code, logs_tail: logs }),
            Run::Hangs => Err(ContainerError::Timeout { call: "run once", after_ms: timeout.as_millis() }),
        }
    }

    async fn remove(&self, container: &ContainerRef) -> Result<(), ContainerError> {
        let found = self.look("inspect", |state| removable(state, container)).await?;
        found?;
        self.take_down(&container.name).await
    }

    async fn restart(&self, container: &ContainerRef, _: Duration) -> Result<(), ContainerError> {
        self.touchable(container).await?;
        self.begin_anew(&container.name).await
    }

    async fn resize(&self, container: &ContainerRef, limits: Limits) -> Result<Observed, ContainerError> {
        check::limits(&container.name, limits)?;
        self.touchable(container).await?;
        self.set_limits(&container.name, limits).await
    }

    async fn observe(&self, cluster: &ClusterId, selection: Selection) -> Result<Inventory, ContainerError> {
        let seen = self.look("observe", |state| state.inventory(cluster)).await?;
        self.world.lock().looks.push(selection);
        Ok(seen.select(selection))
    }

    async fn stats(&self, cluster: &ClusterId, selection: Selection) -> Result<Vec<Usage>, ContainerError> {
        self.look("stats", |state| state.usage(cluster, selection)).await
    }

    async fn address(&self, container: &ContainerRef) -> Result<Ipv4Addr, ContainerError> {
        let seen = self.running(container).await?;
        seen.address.ok_or_else(|| ContainerError::NotRunning { container: container.name.clone() })
    }

    async fn exec(&self, container: &ContainerRef, exec: &Exec) -> Result<Executed, ContainerError> {
        exec.check(&container.name)?;
        self.running(container).await?;
        self.effect(Verb::ContainerExec, &container.name, |_| Ok(Change::Made)).await?;
        let end = self.look("exec", |state| state.exec(&container.name, exec)).await?;
        end.ok_or(ContainerError::Timeout { call: "run a program", after_ms: exec.within.as_millis() })
    }

    async fn logs(&self, container: &ContainerRef, query: LogQuery) -> Result<Logs, ContainerError> {
        let read = self.look("read logs", |state| {
            let found = state.containers.get(&container.name)?;
            let silent = state.silent.contains(&container.name);
            Some((Ownership::read(&found.labels), state.logs.get(&container.name).cloned(), silent))
        });
        let Some((owner, log, silent)) = read.await? else {
            return Err(ContainerError::NotFound { object: container.name.clone() });
        };
        if silent {
            return Err(ContainerError::Timeout { call: "read logs", after_ms: 0 });
        }
        plan::touch(container, owner.as_ref())?;
        let mut tail = Tail::new(query);
        log.into_iter().flatten().for_each(|line| tail.push(line));
        Ok(tail.into_logs())
    }

    async fn events(&self, cluster: &ClusterId) -> Result<BoxStream<'static, Event>, ContainerError> {
        self.look("events", |_| ()).await?;
        let (sender, receiver) = mpsc::unbounded();
        self.world.lock().listeners.push((cluster.clone(), sender));
        Ok(receiver.boxed())
    }

    async fn record(&self, cluster: &ClusterId) -> Result<Option<RecordId>, ContainerError> {
        self.look("record", |state| state.records.get(cluster.as_str()).copied()).await
    }

    async fn note_record(
        &self,
        cluster: &ClusterId,
        record: RecordId,
        former: Option<RecordId>,
    ) -> Result<(), ContainerError> {
        self.effect(Verb::RecordNote, cluster.as_str(), |state| note(state, cluster, record, former)).await
    }
}

impl FakeEngine {
    /// The container, which must be its owner's and run.
    async fn running(&self, container: &ContainerRef) -> Result<Observed, ContainerError> {
        self.touchable(container).await?;
        let seen = self.look("inspect", |state| state.observed(&container.name)).await?;
        let running = seen.filter(|seen| seen.state == ContainerState::Running);
        running.ok_or_else(|| ContainerError::NotRunning { container: container.name.clone() })
    }

    /// The container is there, and whoever holds this reference may change it.
    async fn touchable(&self, container: &ContainerRef) -> Result<(), ContainerError> {
        let owner = self.look("inspect", |state| {
            state.containers.get(&container.name).map(|found| Ownership::read(&found.labels))
        });
        let Some(owner) = owner.await? else {
            return Err(ContainerError::NotFound { object: container.name.clone() });
        };
        plan::touch(container, owner.as_ref())
    }
}

fn note(
    state: &mut State,
    cluster: &ClusterId,
    record: RecordId,
    former: Option<RecordId>,
) -> Result<Change, ContainerError> {
    let there = state.records.get(cluster.as_str()).copied();
    if there == Some(record) {
        return Ok(Change::Already);
    }
    if there != former && there.is_some() {
        return Err(ContainerError::conflict(record_volume(cluster), "another record is noted"));
    }
    state.records.insert(cluster.to_string(), record);
    Ok(Change::Made)
}
