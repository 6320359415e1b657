//! Since when containers are as they are: what only time tells. Pure, given the time.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use common::id::TenantId;
use engine::{Health, Inventory, Observed, State};
use time::OffsetDateTime;

use super::sight::Members;

/// Three checks failed already when an engine calls a container unhealthy, which takes some 20 s. So long it gets to recover.
pub(super) const UNHEALTHY_FOR: Duration = Duration::from_secs(30);

/// n8n comes back by itself after its database or Redis was away, with pauses of up to 30 s: what is unwell so soon after is not
/// its own fault.
pub(super) const RECOVERY: Duration = Duration::from_secs(60);

/// So many ends within [`LOOP_WINDOW`] are a crash loop; fewer, if it was never well in between.
pub(super) const LOOP: usize = 3;
pub(super) const LOOP_UNWELL: usize = 2;

/// n8n looks for its Redis for a minute before it ends: one that ended and has not been well for so long will end again.
pub(super) const UNWELL_FOR: Duration = Duration::from_secs(90);

/// What the collector says of a queue may be 30 s old, and is of the 10 s before that: a worker that has been well for less may have begun since.
pub(super) const IDLE_FOR: Duration = Duration::from_secs(40);

/// Engines pause up to a minute before they start a container again.
pub(super) const LOOP_WINDOW: Duration = Duration::from_secs(300);

/// An engine that hangs over one container is given so long. What it is silent about for longer, nobody can heal or even see.
pub(super) const SILENT_FOR: Duration = Duration::from_secs(300);

/// What is wrong with a container that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// It does not answer, and does not end either.
    Unhealthy,
    /// It ends again and again.
    CrashLooping,
    /// Nobody knows: the engine lists it and says nothing more.
    Silent,
}

/// What was seen of all containers, look by look.
#[derive(Debug, Default)]
pub struct Watch {
    containers: HashMap<String, Life>,
    /// Since when the engine has been silent about these.
    silent: HashMap<String, Instant>,
    /// Since when everything that containers need has been there.
    steady_since: Option<Instant>,
    /// Since when each part of a shared n8n has been as it should be.
    parts_well_since: HashMap<TenantId, Instant>,
}

#[derive(Debug, Clone, Default)]
struct Life {
    unhealthy_since: Option<Instant>,
    /// Since when it has not been well, for whatever reason.
    unwell_since: Option<Instant>,
    /// Since when it has run and been well.
    well_since: Option<Instant>,
    /// When it was last started, by the engine's clock.
    started_at: Option<OffsetDateTime>,
    /// The engine's count of its beginnings, and when that was seen to rise.
    restarts: u64,
    rises: Vec<Instant>,
    /// How often it rose since it was last well.
    unwell_rises: usize,
}

impl Watch {
    /// Takes what is seen now. `steady` says that what containers need was there too: else none of them is to blame.
    pub fn look(&mut self, inventory: &Inventory, steady: bool, now: Instant) {
        self.steady_since = if steady { self.steady_since.or(Some(now)) } else { None };
        self.containers.retain(|name, _| inventory.find(name).is_some() || inventory.unknown.contains(name));
        // Nobody knows how it is.
        let silent = self.containers.iter_mut().filter(|(name, _)| inventory.unknown.contains(*name));
        silent.for_each(|(_, life)| life.well_since = None);
        self.silent.retain(|name, _| inventory.unknown.contains(name));
        for name in &inventory.unknown {
            self.silent.entry(name.clone()).or_insert(now);
        }
        for seen in &inventory.containers {
            let life = self.containers.remove(&seen.name);
            let mut life = life.unwrap_or_else(|| Life { restarts: seen.restarts, ..Life::default() });
            life.look(seen, now);
            if !steady {
                life.forgive();
            }
            self.containers.insert(seen.name.clone(), life);
        }
    }

    /// Takes what is seen of those who share an n8n. Of whoever was not looked at nothing is known to have lasted.
    pub fn look_at_members(&mut self, members: &Members, now: Instant) {
        let is_well = |tenant: &TenantId| members.seen.get(tenant).is_some_and(Vec::is_empty);
        self.parts_well_since.retain(|tenant, _| is_well(tenant));
        for tenant in members.seen.keys().filter(|tenant| is_well(tenant)) {
            self.parts_well_since.entry(*tenant).or_insert(now);
        }
    }

    /// For how long this tenant's part of a shared n8n has been as it should be.
    pub fn part_well_for(&self, tenant: TenantId, now: Instant) -> Option<Duration> {
        Some(now.duration_since(*self.parts_well_since.get(&tenant)?))
    }

    /// Nothing can be seen, so nothing is known to have lasted.
    pub fn lose_sight(&mut self) {
        self.steady_since = None;
        self.silent.clear();
        self.parts_well_since.clear();
        self.containers.values_mut().for_each(Life::forgive);
    }

    /// What is wrong with this container, for long enough to act on.
    pub fn complaint(&self, name: &str, now: Instant) -> Option<Complaint> {
        if let Some(since) = self.silent.get(name) {
            return (now.duration_since(*since) >= SILENT_FOR).then_some(Complaint::Silent);
        }
        if self.steady_since.is_none_or(|since| now.duration_since(since) < RECOVERY) {
            return None;
        }
        self.containers.get(name)?.complaint(now)
    }

    /// When the next look is due because somebody will have been unhealthy for long enough by then.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        let waiting = self.containers.values().filter_map(|life| life.unhealthy_since);
        waiting.filter_map(|since| UNHEALTHY_FOR.checked_sub(now.duration_since(since))).min()
    }

    /// Whether this container is to blame if nothing that waits is taken: it has been well for so long that it should have.
    pub fn should_work(&self, name: &str, now: Instant) -> bool {
        self.steady_since.is_some() && self.well_for(name, now).is_some_and(|well| well >= IDLE_FOR)
    }

    /// For how long this container has been well without interruption.
    pub fn well_for(&self, name: &str, now: Instant) -> Option<Duration> {
        Some(now.duration_since(self.containers.get(name)?.well_since?))
    }
}

impl Life {
    fn look(&mut self, seen: &Observed, now: Instant) {
        self.count(seen.restarts, now);
        let unhealthy = seen.state == State::Running && seen.health == Health::Unhealthy;
        self.unhealthy_since = if unhealthy { self.unhealthy_since.or(Some(now)) } else { None };
        // Nobody may have looked between two lives.
        if self.started_at != seen.started_at {
            (self.started_at, self.well_since) = (seen.started_at, None);
        }
        if seen.is_ready() {
            self.well_since = self.well_since.or(Some(now));
            (self.unwell_since, self.unwell_rises) = (None, 0);
        } else {
            self.well_since = None;
            self.unwell_since = self.unwell_since.or(Some(now));
        }
    }

    fn count(&mut self, restarts: u64, now: Instant) {
        if restarts < self.restarts {
            // Somebody started it on purpose: what was before is over.
            (self.restarts, self.rises, self.unwell_rises) = (0, vec![], 0);
        }
        let rose = restarts - self.restarts;
        self.restarts = restarts;
        self.rises.retain(|at| now.duration_since(*at) < LOOP_WINDOW);
        if rose > 0 {
            let rose = usize::try_from(rose).unwrap_or(LOOP).min(LOOP);
            self.rises.extend(std::iter::repeat_n(now, rose));
            self.unwell_rises += rose;
            self.well_since = None;
        }
    }

    fn forgive(&mut self) {
        (self.unhealthy_since, self.unwell_since) = (None, None);
        (self.rises, self.unwell_rises) = (vec![], 0);
    }

    fn complaint(&self, now: Instant) -> Option<Complaint> {
        let for_so_long = |since: Option<Instant>, limit: Duration| {
            since.is_some_and(|since| now.duration_since(since) >= limit)
        };
        let unhealthy = for_so_long(self.unhealthy_since, UNHEALTHY_FOR);
        let slowly = self.unwell_rises > 0 && for_so_long(self.unwell_since, UNWELL_FOR);
        let looping = slowly || self.rises.len() >= LOOP || self.unwell_rises >= LOOP_UNWELL;
        match (unhealthy, looping) {
            (true, _) => Some(Complaint::Unhealthy),
            (false, true) => Some(Complaint::CrashLooping),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
