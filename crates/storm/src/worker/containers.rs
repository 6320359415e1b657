//! The tenants' networks and containers in the storm's world. Containers run, and are well, as soon as they are made.

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use async_trait::async_trait;
use common::{
    id::{RecordId, TenantId},
    tenant::Color,
};
use engine::{
    Capacity, ClusterId, ContainerError, ContainerRef, ContainerSpec, Containers, Event, Exec, Executed,
    Finished, Health, Inventory, Limits, LogQuery, Logs, NetworkObserved, NetworkRef, NetworkSpec, Observed,
    Ownership, Role, Selection, SpecHash, State, Usage, VolumeObserved,
};
use futures::stream::BoxStream;
use time::OffsetDateTime;

use super::{
    fenced::HOLDER,
    remote::{Away, Remote},
};
use crate::world::{self, Kind, Object, Verb, is_main};

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
        self.bring_up(spec, false).await
    }

    async fn ensure_alive(&self, spec: &ContainerSpec) -> Result<Observed, ContainerError> {
        self.bring_up(spec, true).await
    }

    async fn run_once(&self, _: &ContainerSpec, _: Duration) -> Result<Finished, ContainerError> {
        Err(unknown("run once"))
    }

    async fn remove(&self, container: &ContainerRef) -> Result<(), ContainerError> {
        let failed = unreachable("remove");
        Remote::remove(self, &[Kind::Container], &container.name).await.map_err(&failed)?;
        Remote::remove(self, &[Kind::Volume], &volume(&container.name)).await.map_err(failed)
    }

    async fn restart(&self, container: &ContainerRef, _: Duration) -> Result<(), ContainerError> {
        let there = self.there(&container.name, "restart").await?;
        self.call(Verb::Restart { id: there.id }).await.map(drop).map_err(absent_or(&there.name, "restart"))
    }

    async fn resize(&self, container: &ContainerRef, limits: Limits) -> Result<Observed, ContainerError> {
        let there = self.there(&container.name, "resize").await?;
        let (id, size) = (there.id, size(limits));
        if there.limits != Some(size) {
            let done = self.call(Verb::Resize { id, limits: size }).await;
            done.map_err(absent_or(&there.name, "resize"))?;
        }
        let there = self.there(&container.name, "resize").await?;
        Ok(running(&there, ownership(&there.name, container.tenant, &container.cluster)))
    }

    /// Only the holder's own tenant is shown: nobody who asks looks at others.
    async fn observe(&self, cluster: &ClusterId, selection: Selection) -> Result<Inventory, ContainerError> {
        let seen = self.look().await.map_err(unreachable("observe"))?;
        let tenant = HOLDER.try_with(|holder| holder.tenant).ok();
        let of = |kind: Kind| seen.iter().filter(move |object| object.kind == kind);
        let network = |object: &Object| NetworkObserved {
            name: object.name.clone(),
            tenant,
            cluster: cluster.clone(),
            subnet: object.mark.parse().ok(),
            has_exit: true,
            generation: 1,
            attached: BTreeSet::new(),
        };
        let volume = |object: &Object| {
            let container = object.name.strip_suffix(".secrets")?.to_owned();
            Some(VolumeObserved { name: object.name.clone(), tenant, cluster: cluster.clone(), container })
        };
        let seen = Inventory {
            containers: of(Kind::Container)
                .map(|c| running(c, ownership(&c.name, tenant, cluster)))
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

impl Remote {
    /// Whatever is there, a container of this name runs afterwards; of this specification, unless it only has to live.
    async fn bring_up(&self, spec: &ContainerSpec, alive: bool) -> Result<Observed, ContainerError> {
        let (failed, hash) = (unreachable("ensure running"), SpecHash::of(spec).to_string());
        let networks = self.look_for(Kind::Network).await.map_err(&failed)?;
        if networks.iter().all(|network| network.name != spec.network) {
            return Err(ContainerError::NoNetwork { name: spec.network.clone() });
        }
        self.ensure(Kind::Volume, &volume(&spec.name), String::new()).await.map_err(&failed)?;
        let there = self.find_container(&spec.name).await.map_err(&failed)?;
        let fits = there.as_ref().is_some_and(|there| alive || there.mark == hash);
        if !fits {
            if there.is_some() {
                Remote::remove(self, &[Kind::Container], &spec.name).await.map_err(&failed)?;
            }
            self.make_container(&spec.name, hash, size(spec.limits)).await.map_err(&failed)?;
        }
        let there = self.there(&spec.name, "ensure running").await?;
        Ok(running(&there, spec.owner.clone()))
    }

    async fn there(&self, name: &str, call: &'static str) -> Result<Object, ContainerError> {
        let found = self.find_container(name).await.map_err(unreachable(call))?;
        found.ok_or_else(|| ContainerError::NotFound { object: name.to_owned() })
    }
}

fn absent_or(name: &str, call: &'static str) -> impl Fn(Away) -> ContainerError {
    move |away| match away.is_absence() {
        true => ContainerError::NotFound { object: name.to_owned() },
        false => unreachable(call)(away),
    }
}

fn size(limits: Limits) -> world::Limits {
    world::Limits { cpu_millis: limits.cpu_millis, memory_mb: limits.memory_mb }
}

fn ownership(name: &str, tenant: Option<TenantId>, cluster: &ClusterId) -> Ownership {
    let role = if is_main(name) { Role::Main } else { Role::Worker };
    Ownership { tenant, role, color: Color::Blue, generation: 1, cluster: cluster.clone() }
}

fn running(container: &Object, owner: Ownership) -> Observed {
    let size = container.limits.unwrap_or(world::Limits { cpu_millis: 0, memory_mb: 0 });
    let limits = Limits { cpu_millis: size.cpu_millis, memory_mb: size.memory_mb, pids: 0 };
    Observed {
        name: container.name.clone(),
        owner,
        spec: SpecHash::read(&container.mark),
        image: String::new(),
        launch: n8n::launch::REVISION,
        settings: String::new(),
        state: State::Running,
        health: Health::Healthy,
        restarts: 0,
        limits,
        address: None,
        started_at: i64::try_from(container.began)
            .ok()
            .map(|began| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(began)),
        exit_code: None,
        oom_killed: false,
    }
}
