//! The rows and the world, and what is true of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::{Duration, Instant},
};

use common::id::TenantId;
use engine::{Inventory, State};
use testkit::seeds::Violation;
use uuid::Uuid;

use super::super::{
    plan::{
        Orphan, Rows, Wanted,
        tests::{container, network},
    },
    sightings::Sightings,
};

/// What the rows say of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Settled,
    /// An operation works on it, which ends after so many passes with everything as it should be.
    Busy(u32),
    Gone,
}

/// Containers that each tenant should have.
pub const CONTAINERS: usize = 2;

const SHARED: [&str; 3] = ["edge", "postgres", "redis"];

pub struct Model {
    pub dice: fastrand::Rng,
    pub start: Instant,
    pub now: Duration,
    pub lives: BTreeMap<TenantId, Life>,
    pub world: Inventory,
    pub logins: BTreeSet<TenantId>,
    /// What was there at the passes before, newest last.
    pub past: Vec<(Inventory, Vec<TenantId>)>,
    pub sightings: Sightings,
    /// Since when each pass has seen it to belong to nobody.
    pub seen_since: BTreeMap<Orphan, Duration>,
    pub trace: Vec<String>,
    pub violation: Option<String>,
}

impl Model {
    pub fn new(seed: u64) -> Self {
        let mut model = Self {
            dice: fastrand::Rng::with_seed(seed),
            start: Instant::now(),
            now: Duration::ZERO,
            lives: BTreeMap::new(),
            world: Inventory::default(),
            logins: BTreeSet::new(),
            past: vec![],
            sightings: Sightings::default(),
            seen_since: BTreeMap::new(),
            trace: vec![],
            violation: None,
        };
        for _ in 0..model.dice.usize(1..6) {
            model.new_tenant();
        }
        model
    }

    pub fn note(&mut self, line: impl std::fmt::Display) {
        self.trace.push(format!("{:>5} s  {line}", self.now.as_secs()));
    }

    pub fn must(&mut self, holds: bool, rule: impl Into<String>) {
        if !holds {
            self.violation.get_or_insert(rule.into());
        }
    }

    pub fn verdict(&self) -> Result<(), Violation> {
        let violation = |rule| Violation { rule, trace: self.trace.clone() };
        self.violation.clone().map_or(Ok(()), |rule| Err(violation(rule)))
    }

    pub fn new_tenant(&mut self) -> TenantId {
        let id = TenantId::from_uuid(Uuid::from_u128(self.lives.len() as u128 + 1));
        self.lives.insert(id, Life::Settled);
        self.heal(id);
        id
    }

    /// What the tenant should have: names with the limits of [`container`].
    pub fn wanted(id: TenantId) -> Vec<Wanted> {
        let name = |n| format!("{}-{n}", id.uuid().as_u128());
        (0..CONTAINERS).map(|n| Wanted { name: name(n), cpu_millis: 1000, memory_mb: 1024 }).collect()
    }

    pub fn rows(&self) -> Rows {
        let settled = self.lives.iter().filter(|(_, life)| **life == Life::Settled);
        let alive = self.lives.iter().filter(|(_, life)| **life != Life::Gone);
        Rows {
            settled: settled.map(|(id, _)| (*id, Self::wanted(*id))).collect(),
            alive: alive.map(|(id, _)| *id).collect::<HashSet<_>>(),
        }
    }

    /// What an operation that heals leaves. A name that somebody else's container bears is not taken from it.
    pub fn heal(&mut self, id: TenantId) {
        for wanted in Self::wanted(id) {
            let own = |c: &engine::Observed| c.name == wanted.name && c.owner.tenant == Some(id);
            self.world.containers.retain(|c| !own(c));
            if self.world.find(&wanted.name).is_none() {
                self.world.containers.push(container(Some(id), &wanted.name, State::Running));
            }
        }
        self.world.networks.retain(|network| network.tenant != Some(id));
        self.world.networks.push(network(id, &SHARED));
        self.logins.insert(id);
    }

    /// Whether the tenant is as it should be; `taken` says how a name is judged that somebody else's container bears.
    pub fn is_whole(&self, id: TenantId, taken: bool) -> bool {
        let fine = |wanted: &Wanted| {
            self.world.find(&wanted.name).is_some_and(|seen| {
                let own = seen.state == State::Running && seen.limits.memory_mb == wanted.memory_mb;
                if seen.owner.tenant == Some(id) { own } else { taken }
            })
        };
        let network = self.world.networks.iter().find(|network| network.tenant == Some(id));
        Self::wanted(id).iter().all(fine)
            && network.is_some_and(|network| SHARED.iter().all(|role| network.attached.contains(*role)))
            && self.logins.contains(&id)
    }

    fn settled(&self) -> impl Iterator<Item = TenantId> {
        self.lives.iter().filter(|(_, life)| **life == Life::Settled).map(|(id, _)| *id)
    }

    pub fn nothing_drifted_unhindered(&self) -> bool {
        self.settled().all(|id| self.is_whole(id, true))
    }

    pub fn all_whole(&self) -> bool {
        self.settled().all(|id| self.is_whole(id, false))
    }

    /// What belongs to nobody that lives, in truth.
    pub fn orphans(&self) -> BTreeSet<Orphan> {
        orphans(&self.world, &self.lives)
    }
}

/// What of this inventory belongs to nobody that lives.
pub fn orphans(inventory: &Inventory, lives: &BTreeMap<TenantId, Life>) -> BTreeSet<Orphan> {
    let nobodys = |tenant: Option<TenantId>| {
        tenant.filter(|tenant| lives.get(tenant).is_none_or(|life| *life == Life::Gone))
    };
    let mut orphans = BTreeSet::new();
    for seen in &inventory.containers {
        let tenant = nobodys(seen.owner.tenant);
        orphans.extend(tenant.map(|tenant| Orphan::Container { name: seen.name.clone(), tenant }));
    }
    for seen in &inventory.volumes {
        let tenant = nobodys(seen.tenant);
        orphans.extend(tenant.map(|tenant| Orphan::Container { name: seen.container.clone(), tenant }));
    }
    for seen in &inventory.networks {
        orphans
            .extend(nobodys(seen.tenant).map(|tenant| Orphan::Network { name: seen.name.clone(), tenant }));
    }
    orphans
}
