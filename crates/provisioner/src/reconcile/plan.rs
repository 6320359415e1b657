//! What differs between the rows and the world. Pure.

use std::{collections::BTreeSet, time::Instant};

use common::{id::TenantId, tenant::Purpose};
use engine::{Inventory, Observed, State};
use n8n::launch;
use wire::kinds::Run;

use super::{
    drift::{Drift, Urgency, urgency},
    rows::{Expected, Presence, Rows, Wanted},
    sight::Sight,
    watch::{Complaint, Watch},
};
use crate::blueprint::has_exit;

/// Something with our labels that belongs to a tenant that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Orphan {
    // In this order: a network can only go when nothing is in it.
    Container { name: String, tenant: TenantId },
    Network { name: String, tenant: TenantId },
}

impl Orphan {
    /// What the engine calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Container { name, .. } | Self::Network { name, .. } => name,
        }
    }

    /// Whose it was.
    pub const fn tenant(&self) -> TenantId {
        match self {
            Self::Container { tenant, .. } | Self::Network { tenant, .. } => *tenant,
        }
    }
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Plan {
    pub drifted: Vec<(TenantId, Vec<Drift>)>,
    pub orphans: Vec<Orphan>,
    /// Tenants with containers that a former release launched.
    pub outdated: BTreeSet<TenantId>,
    /// Tenants with containers that this release launched, or a newer one.
    pub renewed: BTreeSet<TenantId>,
    /// Tenants on the engine that this record has never heard of. Nothing is done about them: a record that was restored, or is
    /// another one, does not know what it does not know.
    pub unknown: BTreeSet<TenantId>,
}

/// Compares. `configured` are the settings that all containers get now.
pub fn plan(rows: &Rows, sight: &Sight, watch: &Watch, configured: &str, now: Instant) -> Plan {
    let [customers, shared, sandboxes] = Purpose::ALL.map(|purpose| launch::settings(purpose, configured));
    let settings = |expected: &Expected| match expected.purpose {
        Purpose::Customer | Purpose::Unknown => &customers,
        Purpose::Shared => &shared,
        Purpose::Sandbox => &sandboxes,
    };
    let settled = rows.tenants.iter().filter(|(_, expected)| expected.is_settled());
    let drifted = settled.filter_map(|(tenant, expected)| {
        let former = |seen: &Observed| is_former(seen, settings(expected));
        let mut drifts = drifts(*tenant, expected, sight, former, |name| watch.complaint(name, now));
        // Of one that lacks something it is no wonder.
        if expected.starves && urgency(&drifts) == Urgency::Renew {
            drifts.extend(idle_workers(expected, &sight.inventory, |name| watch.should_work(name, now)));
        }
        (!drifts.is_empty()).then_some((*tenant, drifts))
    });
    let drifted = drifted.collect();
    let tenants = sight.inventory.tenants().into_iter();
    let with = |is_former: bool| {
        let known = rows.tenants.iter().filter(|(_, expected)| expected.purpose != Purpose::Unknown);
        let tenants = known.filter(|(_, expected)| {
            let is = |seen: &Observed| self::is_former(seen, settings(expected)) == is_former;
            has(expected, &sight.inventory, is)
        });
        tenants.map(|(tenant, _)| *tenant).collect()
    };
    Plan {
        drifted,
        outdated: with(true),
        renewed: with(false),
        orphans: orphans(rows, &sight.inventory),
        unknown: tenants.filter(|tenant| !rows.seen.contains_key(tenant)).collect(),
    }
}

fn drifts(
    tenant: TenantId,
    expected: &Expected,
    sight: &Sight,
    former: impl Fn(&Observed) -> bool,
    complaint: impl Fn(&str) -> Option<Complaint>,
) -> Vec<Drift> {
    if expected.part.is_some() {
        // Of whoever was not looked at nothing is concluded.
        let flaws = sight.members.seen.get(&tenant).into_iter().flatten();
        return flaws.copied().map(Drift::Member).collect();
    }
    let inventory = &sight.inventory;
    let wanted = expected.wanted.iter();
    let mut drifts: Vec<_> = wanted
        .filter_map(|wanted| of_container(wanted, inventory, &former, complaint(&wanted.name)))
        .collect();
    match inventory.networks.iter().find(|network| network.tenant == Some(tenant)) {
        None => drifts.push(Drift::NetworkMissing),
        Some(network) => {
            let absent = crate::config::SHARED.into_iter().filter(|role| !network.attached.contains(*role));
            drifts.extend(absent.map(Drift::SharedDetached));
            if network.has_exit != has_exit(expected.purpose) {
                drifts.push(Drift::NetworkExitDiffers);
            }
        }
    }
    // Of what was not seen nothing is concluded.
    if sight.logins.as_ref().is_some_and(|logins| !logins.contains(&tenant)) {
        drifts.push(Drift::LoginMissing);
    }
    if sight.roles.as_ref().is_some_and(|roles| !roles.contains(&tenant)) {
        drifts.push(Drift::RoleMissing);
    }
    if sight.members.common_differs.contains(&tenant) {
        drifts.push(Drift::CommonDiffers);
    }
    drifts
}

/// Those who run and take nothing.
fn idle_workers(
    expected: &Expected,
    inventory: &Inventory,
    should_work: impl Fn(&str) -> bool,
) -> Vec<Drift> {
    let workers = expected.wanted.iter().filter(|wanted| wanted.is_worker && should_work(&wanted.name));
    let seen = workers.filter_map(|wanted| inventory.find(&wanted.name));
    let run = |seen: &Observed| Run { container: seen.name.clone(), started_at: seen.started_at };
    seen.map(run).map(Drift::WorkerIdle).collect()
}

fn of_container(
    wanted: &Wanted,
    inventory: &Inventory,
    former: impl Fn(&Observed) -> bool,
    complaint: Option<Complaint>,
) -> Option<Drift> {
    let name = wanted.name.clone();
    if inventory.unknown.contains(&name) {
        return (complaint == Some(Complaint::Silent)).then_some(Drift::ContainerSilent(name));
    }
    let Some(seen) = inventory.find(&wanted.name) else { return Some(Drift::ContainerMissing(name)) };
    match (seen.state, complaint) {
        (State::Created | State::Exited | State::Paused | State::Removing, _) => {
            return Some(Drift::ContainerDown(name));
        }
        (State::Running | State::Restarting, Some(Complaint::Unhealthy)) => {
            return Some(Drift::ContainerUnhealthy(name));
        }
        (State::Running | State::Restarting, Some(Complaint::CrashLooping)) => {
            return Some(Drift::ContainerCrashLooping(name));
        }
        // The engine is at it already.
        (State::Restarting, None | Some(Complaint::Silent)) => return None,
        (State::Running, None | Some(Complaint::Silent)) => {}
    }
    if (seen.limits.cpu_millis, seen.limits.memory_mb) != (wanted.cpu_millis, wanted.memory_mb) {
        return Some(Drift::LimitsDiffer(name));
    }
    former(seen).then_some(Drift::SettingsDiffer(name))
}

/// Of a former release, or of this one with what was configured before. A newer one was made by a newer release, which runs beside
/// this one, and of one that does not tell nothing is concluded.
fn is_former(seen: &Observed, settings: &str) -> bool {
    let differ = !seen.settings.is_empty() && seen.settings != settings;
    seen.launch < launch::REVISION || (seen.launch == launch::REVISION && differ)
}

/// Whether one of the tenant's containers is such a one.
fn has(expected: &Expected, inventory: &Inventory, is: impl Fn(&Observed) -> bool) -> bool {
    expected.wanted.iter().any(|wanted| inventory.find(&wanted.name).is_some_and(&is))
}

/// Only what the record says is gone: what serves all tenants belongs to the platform, and what nobody knows to somebody else.
fn orphans(rows: &Rows, inventory: &Inventory) -> Vec<Orphan> {
    let gone =
        |tenant: Option<TenantId>| tenant.filter(|tenant| rows.seen.get(tenant) == Some(&Presence::Gone));
    let containers = inventory.containers.iter().map(|c| (c.owner.tenant, &c.name));
    let volumes = inventory.volumes.iter().map(|v| (v.tenant, &v.container));
    let containers = containers
        .chain(volumes)
        .filter_map(|(tenant, name)| Some(Orphan::Container { name: name.clone(), tenant: gone(tenant)? }));
    let networks = inventory.networks.iter().filter_map(|network| {
        Some(Orphan::Network { name: network.name.clone(), tenant: gone(network.tenant)? })
    });
    let mut orphans: Vec<_> = containers.chain(networks).collect();
    orphans.sort();
    orphans.dedup();
    orphans
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(super) mod tests;
