//! The rows and the world, and what is true of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use common::{id::TenantId, tenant::Purpose};
use engine::{Health, Inventory, NetworkObserved, Observed, State};
use n8n::launch;
use testkit::seeds::Violation;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{
    plan::{
        Orphan,
        tests::{SETTINGS, container, network, wanted},
    },
    rows::{Expected, Presence, Rows, Trouble, Wanted},
    sight::Sight,
    sightings::Sightings,
    watch::Watch,
};
use crate::blueprint::has_exit;

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

/// Ids from here on are of tenants that the record has never heard of.
pub const STRANGE: u128 = 1_000_000;

pub struct Model {
    pub dice: fastrand::Rng,
    pub start: Instant,
    pub now: Duration,
    pub lives: BTreeMap<TenantId, Life>,
    pub world: Inventory,
    pub logins: BTreeSet<TenantId>,
    pub roles: BTreeSet<TenantId>,
    /// Until when Redis is away.
    pub away_until: Duration,
    /// Containers that the engine is silent about.
    pub silent: BTreeSet<String>,
    /// What was there at the passes before, newest last.
    pub past: Vec<Sight>,
    pub watch: Watch,
    pub sightings: Sightings,
    /// Since when each pass has seen it to belong to a tenant that is gone.
    pub seen_since: BTreeMap<Orphan, Duration>,
    /// Containers that cannot be removed.
    pub stubborn: BTreeSet<String>,
    /// Whose remains were removed, and when that began; after an hour it begins anew.
    pub removed: HashMap<TenantId, Duration>,
    /// Tenants that were healed or renewed and have not been well for a while since: since when, how often they were healed, and
    /// whether they are shown. The pauses between heals are not modelled.
    pub troubles: BTreeMap<TenantId, (Duration, u32, bool)>,
    /// When tenants were last renewed.
    pub renewed_at: BTreeMap<TenantId, Duration>,
    /// What the open operations were asked to renew.
    pub renewing: BTreeMap<TenantId, Vec<String>>,
    /// Containers that end again and again.
    pub looping: BTreeSet<String>,
    /// Since when each container was seen unhealthy at every look, by the model's own account.
    pub unhealthy_since: BTreeMap<String, Duration>,
    /// Since when the engine has said nothing of containers at every look.
    pub silent_since: BTreeMap<String, Duration>,
    /// When it was last seen that something containers need was away.
    pub unsteady_until: Duration,
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
            roles: BTreeSet::new(),
            away_until: Duration::ZERO,
            silent: BTreeSet::new(),
            past: vec![],
            watch: Watch::default(),
            sightings: Sightings::default(),
            seen_since: BTreeMap::new(),
            stubborn: BTreeSet::new(),
            removed: HashMap::new(),
            troubles: BTreeMap::new(),
            renewed_at: BTreeMap::new(),
            renewing: BTreeMap::new(),
            looping: BTreeSet::new(),
            unhealthy_since: BTreeMap::new(),
            silent_since: BTreeMap::new(),
            unsteady_until: Duration::ZERO,
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
        (0..CONTAINERS).map(|n| wanted(&format!("{}-{n}", id.uuid().as_u128()))).collect()
    }

    pub fn rows(&self) -> Rows {
        let expected = |(id, life): (&TenantId, &Life)| {
            let (active, busy) = (*life != Life::Gone, matches!(life, Life::Busy(_)));
            let trouble = self.troubles.get(id).map(|(since, heals, shown)| Trouble {
                age: self.now - *since,
                heals: *heals,
                healable: true,
                shown: *shown,
            });
            (
                *id,
                Expected {
                    purpose: purpose(*id),
                    active,
                    busy,
                    wanted: Self::wanted(*id),
                    trouble,
                    starves: false,
                    part: None,
                },
            )
        };
        let presence = |life: &Life| if *life == Life::Gone { Presence::Gone } else { Presence::Alive };
        let lately = self.removed.iter().filter(|(_, at)| self.now - **at < super::HOUR);
        Rows {
            tenants: self.lives.iter().filter(|(_, life)| **life != Life::Gone).map(expected).collect(),
            seen: self.lives.iter().map(|(id, life)| (*id, presence(life))).collect(),
            healing: self.lives.values().filter(|life| matches!(life, Life::Busy(_))).count(),
            removed: lately.map(|(tenant, _)| *tenant).collect::<HashSet<_>>(),
        }
    }

    /// What there is to see now.
    pub fn sight(&self) -> Sight {
        let mut inventory = self.world.clone();
        inventory.containers.retain(|c| !self.silent.contains(&c.name));
        let silent = self.silent.iter().filter(|name| self.world.find(name).is_some());
        inventory.unknown = silent.cloned().collect();
        let seen = |ids: &BTreeSet<TenantId>| ids.iter().copied().collect();
        let logins = (self.now >= self.away_until).then(|| seen(&self.logins));
        Sight { inventory, logins, roles: Some(seen(&self.roles)), ..Sight::default() }
    }

    /// What an operation that heals leaves. A name that somebody else's container bears is not taken from it, and what is there
    /// keeps its settings unless it is to be renewed.
    pub fn heal(&mut self, id: TenantId) {
        let renewed = self.renewing.remove(&id).unwrap_or_default();
        let begins = Some(OffsetDateTime::UNIX_EPOCH + self.now);
        for wanted in Self::wanted(id) {
            let own = |c: &Observed| c.name == wanted.name && c.owner.tenant == Some(id);
            let kept = self.world.containers.iter().find(|c| own(c) && !renewed.contains(&c.name));
            let newest = || (launch::REVISION, settings(id), begins);
            let (launch, settings, started_at) =
                kept.map_or_else(newest, |kept| (kept.launch, kept.settings.clone(), kept.started_at));
            self.world.containers.retain(|c| !own(c));
            if self.world.find(&wanted.name).is_none() {
                if renewed.contains(&wanted.name) {
                    self.renewed_at.insert(id, self.now);
                }
                let running = container(Some(id), &wanted.name, State::Running);
                self.world.containers.push(Observed { launch, settings, started_at, ..running });
            }
            self.looping.remove(&wanted.name);
        }
        self.world.networks.retain(|network| network.tenant != Some(id));
        let has_exit = has_exit(purpose(id));
        self.world.networks.push(NetworkObserved { has_exit, ..network(id, &SHARED) });
        self.logins.insert(id);
        self.roles.insert(id);
    }

    /// Whether the tenant is as it should be.
    pub fn is_whole(&self, id: TenantId) -> bool {
        let well = |wanted: &Wanted| {
            let seen = self.world.find(&wanted.name);
            let looping = self.looping.contains(&wanted.name);
            !looping && seen.is_some_and(|seen| seen.health == Health::Healthy && is_newest(seen))
        };
        self.is_complete(id, false) && Self::wanted(id).iter().all(well)
    }

    /// Whether nothing that the tenant needs is missing; `taken` says how a name is judged that somebody else's container bears.
    fn is_complete(&self, id: TenantId, taken: bool) -> bool {
        let fine = |wanted: &Wanted| {
            self.world.find(&wanted.name).is_some_and(|seen| {
                let own = seen.state == State::Running && seen.limits.memory_mb == wanted.memory_mb;
                if seen.owner.tenant == Some(id) { own } else { taken }
            })
        };
        let network = self.world.networks.iter().find(|network| network.tenant == Some(id));
        Self::wanted(id).iter().all(fine)
            && network.is_some_and(|network| SHARED.iter().all(|role| network.attached.contains(*role)))
            && network.is_some_and(|network| network.has_exit == has_exit(purpose(id)))
            && self.logins.contains(&id)
            && self.roles.contains(&id)
    }

    fn settled(&self) -> impl Iterator<Item = TenantId> {
        self.lives.iter().filter(|(_, life)| **life == Life::Settled).map(|(id, _)| *id)
    }

    pub fn nothing_is_missing_unhindered(&self) -> bool {
        self.settled().all(|id| self.is_complete(id, true))
    }

    pub fn all_whole(&self) -> bool {
        self.settled().all(|id| self.is_whole(id))
    }

    /// What belongs to a tenant that is gone, in truth.
    pub fn orphans(&self) -> BTreeSet<Orphan> {
        orphans(&self.world, &self.lives)
    }

    /// What is there of tenants that the record has never heard of.
    pub fn strange(&self) -> Vec<String> {
        let strange = |tenant: Option<TenantId>| tenant.is_some_and(|id| !self.lives.contains_key(&id));
        let containers = self.world.containers.iter().filter(|c| strange(c.owner.tenant)).map(|c| &c.name);
        let volumes = self.world.volumes.iter().filter(|v| strange(v.tenant)).map(|v| &v.name);
        let networks = self.world.networks.iter().filter(|n| strange(n.tenant)).map(|n| &n.name);
        containers.chain(volumes).chain(networks).cloned().collect()
    }
}

/// Every fourth tenant is an n8n that others share, and every fourth a sandbox.
fn purpose(id: TenantId) -> Purpose {
    match id.uuid().as_u128() % 4 {
        0 => Purpose::Shared,
        1 => Purpose::Sandbox,
        _ => Purpose::Customer,
    }
}

/// What this release tells the tenant's containers.
fn settings(id: TenantId) -> String {
    launch::settings(purpose(id), SETTINGS)
}

/// Whether it was launched as this release does.
pub fn is_newest(seen: &Observed) -> bool {
    seen.launch == launch::REVISION && seen.owner.tenant.is_some_and(|id| seen.settings == settings(id))
}

/// What of this inventory belongs to a tenant that is gone.
pub fn orphans(inventory: &Inventory, lives: &BTreeMap<TenantId, Life>) -> BTreeSet<Orphan> {
    let gone = |tenant: Option<TenantId>| tenant.filter(|tenant| lives.get(tenant) == Some(&Life::Gone));
    let mut orphans = BTreeSet::new();
    for seen in &inventory.containers {
        let tenant = gone(seen.owner.tenant);
        orphans.extend(tenant.map(|tenant| Orphan::Container { name: seen.name.clone(), tenant }));
    }
    for seen in &inventory.volumes {
        let tenant = gone(seen.tenant);
        orphans.extend(tenant.map(|tenant| Orphan::Container { name: seen.container.clone(), tenant }));
    }
    for seen in &inventory.networks {
        orphans.extend(gone(seen.tenant).map(|tenant| Orphan::Network { name: seen.name.clone(), tenant }));
    }
    orphans
}
