//! What differs between the rows and the world. Pure.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use common::{id::TenantId, operations::StepError};
use engine::{Inventory, State};
use sqlx::PgPool;

use crate::store::drift;

/// What the rows say about one cluster.
#[derive(Debug, Default)]
pub struct Rows {
    /// Tenants that should be running and that no operation is working on, with what should run for each.
    pub settled: BTreeMap<TenantId, Vec<Wanted>>,
    /// Tenants that may own something: all but those that are gone, and those an operation is working on.
    pub alive: HashSet<TenantId>,
}

/// A container that should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub cpu_millis: u32,
    pub memory_mb: u32,
}

impl Rows {
    /// The rows as they are now.
    pub async fn read(pool: &PgPool, cluster: &str) -> Result<Self, StepError> {
        Ok(Self { settled: drift::settled(pool, cluster).await?, alive: drift::alive(pool).await? })
    }
}

/// One way in which a tenant is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    ContainerMissing(String),
    ContainerDown(String),
    LimitsDiffer(String),
    NetworkMissing,
    SharedDetached(&'static str),
    LoginMissing,
}

impl Drift {
    /// The word in metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ContainerMissing(_) => "container_missing",
            Self::ContainerDown(_) => "container_down",
            Self::LimitsDiffer(_) => "limits_differ",
            Self::NetworkMissing => "network_missing",
            Self::SharedDetached(_) => "shared_detached",
            Self::LoginMissing => "login_missing",
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContainerMissing(name) => write!(f, "{name} is missing"),
            Self::ContainerDown(name) => write!(f, "{name} is down"),
            Self::LimitsDiffer(name) => write!(f, "{name} has other limits than its row"),
            Self::NetworkMissing => write!(f, "the network is missing"),
            Self::SharedDetached(role) => write!(f, "{role} is not in the tenant's network"),
            Self::LoginMissing => write!(f, "the login in Redis is missing"),
        }
    }
}

/// Something with our labels that belongs to no tenant that is alive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Orphan {
    // In this order: a network can only go when nothing is in it.
    Container { name: String, tenant: TenantId },
    Network { name: String, tenant: TenantId },
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Plan {
    pub drifted: Vec<(TenantId, Vec<Drift>)>,
    pub orphans: Vec<Orphan>,
}

/// Compares.
pub fn plan(rows: &Rows, inventory: &Inventory, logins: &[TenantId]) -> Plan {
    let drifted = rows.settled.iter().filter_map(|(tenant, wanted)| {
        let drifts = drifts(*tenant, wanted, inventory, logins);
        (!drifts.is_empty()).then_some((*tenant, drifts))
    });
    Plan { drifted: drifted.collect(), orphans: orphans(&rows.alive, inventory) }
}

fn drifts(tenant: TenantId, wanted: &[Wanted], inventory: &Inventory, logins: &[TenantId]) -> Vec<Drift> {
    let mut drifts: Vec<_> =
        wanted.iter().filter_map(|container| of_container(container, inventory)).collect();
    match inventory.networks.iter().find(|network| network.tenant == Some(tenant)) {
        None => drifts.push(Drift::NetworkMissing),
        Some(network) => {
            let absent =
                crate::blueprint::SHARED.into_iter().filter(|role| !network.attached.contains(*role));
            drifts.extend(absent.map(Drift::SharedDetached));
        }
    }
    if !logins.contains(&tenant) {
        drifts.push(Drift::LoginMissing);
    }
    drifts
}

fn of_container(wanted: &Wanted, inventory: &Inventory) -> Option<Drift> {
    let name = wanted.name.clone();
    let Some(seen) = inventory.find(&wanted.name) else { return Some(Drift::ContainerMissing(name)) };
    match seen.state {
        State::Created | State::Exited | State::Paused | State::Removing => {
            return Some(Drift::ContainerDown(name));
        }
        // The engine is at it already.
        State::Restarting => return None,
        State::Running => {}
    }
    let limits = (seen.limits.cpu_millis, seen.limits.memory_mb);
    (limits != (wanted.cpu_millis, wanted.memory_mb)).then_some(Drift::LimitsDiffer(name))
}

fn orphans(alive: &HashSet<TenantId>, inventory: &Inventory) -> Vec<Orphan> {
    // What serves all tenants belongs to the platform, not to nobody.
    let nobodys = |tenant: Option<TenantId>| tenant.filter(|tenant| !alive.contains(tenant));
    let containers = inventory.containers.iter().map(|c| (c.owner.tenant, &c.name));
    let volumes = inventory.volumes.iter().map(|v| (v.tenant, &v.container));
    let containers = containers.chain(volumes).filter_map(|(tenant, name)| {
        Some(Orphan::Container { name: name.clone(), tenant: nobodys(tenant)? })
    });
    let networks = inventory.networks.iter().filter_map(|network| {
        Some(Orphan::Network { name: network.name.clone(), tenant: nobodys(network.tenant)? })
    });
    let mut orphans: Vec<_> = containers.chain(networks).collect();
    orphans.sort();
    orphans.dedup();
    orphans
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(super) mod tests;
