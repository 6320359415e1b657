//! The tenants' networks and containers in the storm's world. Containers run, and are well, as soon as they are made.

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use async_trait::async_trait;
use common::{id::RecordId, tenant::Color};
use engine::{
    Capacity, ClusterId, ContainerError, ContainerRef, ContainerSpec, Containers, Event, Exec, Executed,
    Finished, Health, Inventory, Limits, LogQuery, Logs, NetworkObserved, NetworkRef, NetworkSpec, Observed,
    Ownership, Role, Selection, SpecHash, State, Usage, VolumeObserved,
};
use futures::stream::BoxStream;

use super::{
    fenced::HOLDER,
    remote::{Away, Remote},
};
use crate::world::{Kind, Object};

fn unreachable(call: &'static str) -> impl Fn(Away) -> ContainerError {
    move |away| ContainerError::Unreachable { call, source: away.into() }
}

/// What no saga asks for.
fn unknown(call: &'static str) -> ContainerError {
    ContainerError::Engine { call, source: "a storm's world knows no such verb".into() }
}

fn volume(container: &str) -> String {
    format!("{container}.secrets")
}

#[async_trait]
impl Containers for Remote {
    async fn ping(&self) -> Result<(), ContainerError> {
        Ok(())
    }

    async fn capacity(&self) -> Result<Capacity, ContainerError> {
        Ok(Capacity { cpu_millis: u32::MAX, memory_mb: u32::MAX })
    }

    async fn ensure_network(&self, spec: &NetworkSpec) -> Result<(), ContainerError> {
        let subnet = spec.subnet.to_string();
        let made = self.ensure(Kind::Network, &spec.name, subnet.clone()).await;
        if made.map_err(unreachable("ensure network"))? == subnet {
            return Ok(());
        }
        Err(ContainerError::Conflict { object: spec.name.clone(), reason: "it has another subnet".into() })
    }

    async fn remove_network(&self, network: &NetworkRef) -> Result<(), ContainerError> {
        let failed = unreachable("remove network");
        if !self.look_for(Kind::Container).await.map_err(&failed)?.is_empty() {
            let reason = "there are containers in it".into();
            return Err(ContainerError::Conflict { object: network.name.clone(), reason });
        }
        Remote::remove(self, &[Kind::Network], &network.name).await.map_err(failed)
    }

    async fn ensure_running(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError> {
        let (failed, hash) = (unreachable("ensure running"), SpecHash::of(spec).to_string());
        let networks = self.look_for(Kind::Network).await.map_err(&failed)?;
        if networks.iter().all(|network| network.name != spec.network) {
            return Err(ContainerError::NoNetwork { name: spec.network.clone() });
        }
        self.ensure(Kind::Volume, &volume(&spec.name), String::new()).await.map_err(&failed)?;
        let there = self.ensure(Kind::Container, &spec.name, hash.clone()).await.map_err(&failed)?;
        if there != hash {
            Remote::remove(self, &[Kind::Container], &spec.name).await.map_err(&failed)?;
            self.make(Kind::Container, &spec.name, hash.clone()).await.map_err(&failed)?;
        }
        Ok(running(&spec.name, &hash, spec.owner.clone(), spec.limits))
    }

    /// One release makes everything here.
    async fn ensure_alive(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError> {
        self.ensure_running(spec).await
    }

    async fn run_once(&self, _: &ContainerSpec, _: Duration) -> Result<Finished, ContainerError> {
        Err(unknown("run once"))
    }

    async fn remove(&self, container: &ContainerRef) -> Result<(), ContainerError> {
        let failed = unreachable("remove");
        Remote::remove(self, &[Kind::Container], &container.name).await.map_err(&failed)?;
        Remote::remove(self, &[Kind::Volume], &volume(&container.name)).await.map_err(failed)
    }

    async fn restart(&self, _: &ContainerRef, _: Duration) -> Result<(), ContainerError> {
        Err(unknown("restart"))
    }

    async fn resize(&self, _: &ContainerRef, _: Limits) -> Result<Observed, ContainerError> {
        Err(unknown("resize"))
    }

    /// Only the holder's own tenant is shown: nobody who asks looks at others.
    async fn observe(&self, cluster: &ClusterId, selection: Selection) -> Result<Inventory, ContainerError> {
        let seen = self.look().await.map_err(unreachable("observe"))?;
        let tenant = HOLDER.try_with(|holder| holder.tenant).ok();
        let owner = Ownership {
            tenant,
            role: Role::Main,
            color: Color::Blue,
            generation: 1,
            cluster: cluster.clone(),
        };
        let limits = Limits { cpu_millis: 0, memory_mb: 0, pids: 0 };
        let of = |kind: Kind| seen.iter().filter(move |object| object.kind == kind);
        let network = |object: &Object| NetworkObserved {
            name: object.name.clone(),
            tenant,
            cluster: cluster.clone(),
            subnet: object.mark.parse().ok(),
            generation: 1,
            attached: BTreeSet::new(),
        };
        let volume = |object: &Object| {
            let container = object.name.strip_suffix(".secrets")?.to_owned();
            Some(VolumeObserved { name: object.name.clone(), tenant, cluster: cluster.clone(), container })
        };
        let seen = Inventory {
            containers: of(Kind::Container)
                .map(|c| running(&c.name, &c.mark, owner.clone(), limits))
                .collect(),
            networks: of(Kind::Network).map(network).collect(),
            volumes: of(Kind::Volume).filter_map(volume).collect(),
            unknown: BTreeSet::new(),
        };
        Ok(seen.select(selection))
    }

    async fn stats(&self, _: &ClusterId, _: Selection) -> Result<Vec<Usage>, ContainerError> {
        Err(unknown("stats"))
    }

    async fn address(&self, _: &ContainerRef) -> Result<Ipv4Addr, ContainerError> {
        Err(unknown("address"))
    }

    async fn exec(&self, _: &ContainerRef, _: &Exec) -> Result<Executed, ContainerError> {
        Err(unknown("exec"))
    }

    async fn logs(&self, _: &ContainerRef, _: LogQuery) -> Result<Logs, ContainerError> {
        Err(unknown("logs"))
    }

    async fn events(&self, _: &ClusterId) -> Result<BoxStream<'static, Event>, ContainerError> {
        Err(unknown("events"))
    }

    async fn record(&self, _: &ClusterId) -> Result<Option<RecordId>, ContainerError> {
        Err(unknown("record"))
    }

    async fn note_record(
        &self,
        _: &ClusterId,
        _: RecordId,
        _: Option<RecordId>,
    ) -> Result<(), ContainerError> {
        Err(unknown("note record"))
    }
}

fn running(name: &str, hash: &str, owner: Ownership, limits: Limits) -> Observed {
    Observed {
        name: name.to_owned(),
        owner,
        spec: SpecHash::read(hash),
        image: String::new(),
        launch: n8n::launch::REVISION,
        settings: String::new(),
        state: State::Running,
        health: Health::Healthy,
        restarts: 0,
        limits,
        address: None,
        started_at: None,
        exit_code: None,
        oom_killed: false,
    }
}
