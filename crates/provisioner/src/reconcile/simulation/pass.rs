//! One look at the world, what is done about it, and whether that was right.

use std::time::Duration;

use common::id::TenantId;
use engine::{Health, Inventory};

use super::{
    super::{
        brake::{AT_LEAST, AT_ONCE, ONE_IN, brake},
        drift::urgency,
        drift::{Drift, Urgency},
        pace::{Cure, REVIVED_AT_ONCE, pace},
        plan::{Orphan, plan, tests::SETTINGS},
        rows::Expected,
        sight::Sight,
        sightings::GRACE,
        troubles::{CLEAR_AFTER, TroubleChange, turns},
        watch::{RECOVERY, SILENT_FOR, UNHEALTHY_FOR},
    },
    model::{Life, Model, is_newest, orphans},
};

impl Model {
    /// Looks once and does what has to be done. In rough times what it sees may have been true some passes ago.
    pub fn pass(&mut self, rough: bool) {
        self.look(rough);
        if rough && self.dice.u32(..8) == 0 {
            self.note("an event comes twice");
            self.look(rough);
        }
    }

    fn observe(&mut self, rough: bool) -> (Sight, bool) {
        let fresh = self.sight();
        self.past.push(fresh);
        let stale = rough && self.dice.u32(..8) == 0;
        let back = if stale { self.dice.usize(1..4) } else { 0 };
        if stale {
            self.note("the inventory is stale");
        }
        (self.past[(self.past.len() - 1).saturating_sub(back)].clone(), stale)
    }

    fn look(&mut self, rough: bool) {
        let (sight, stale) = self.observe(rough);
        let (rows, now) = (self.rows(), self.start + self.now);
        self.see(&sight);
        self.watch.look(&sight.inventory, sight.is_whole(), now);
        let plan = plan(&rows, &sight, &self.watch, SETTINGS, now);
        for (id, turn) in turns(&rows, &sight, &plan.drifted, &self.watch, now) {
            match turn {
                TroubleChange::Show(_) => self.troubles.entry(id).and_modify(|(.., shown)| *shown = true),
                TroubleChange::Clear => {
                    self.troubles.remove(&id);
                    continue;
                }
            };
        }
        let healed = pace(&plan, &rows);
        self.is_well_paced(&healed, rows.healing);
        for (id, Cure { drifts, renew }) in healed {
            self.note(format_args!("heal {id}: {drifts:?}, renew {renew:?}"));
            let whole = self.is_whole(id) && !drifts.iter().any(|d| matches!(d, Drift::ContainerSilent(_)));
            self.must(stale || !whole, "what is as it should be is not healed");
            self.must(self.lives[&id] == Life::Settled, "what an operation works on is left to it");
            drifts.iter().for_each(|drift| self.is_grounded(drift, &sight));
            self.keeps_its_settings(&drifts, &renew, &rows.tenants[&id]);
            self.is_proved(&drifts, &sight);
            self.remember(id, &drifts);
            self.renewing.insert(id, renew);
            let passes = self.dice.u32(1..3);
            self.lives.insert(id, Life::Busy(passes));
        }
        let due = self.sightings.due(plan.orphans, now);
        let tenants = sight.inventory.tenants().len();
        let braked = brake(due, tenants, &rows.removed);
        self.must(braked.now.len() <= AT_ONCE, "no pass destroys more than its share");
        for orphan in &braked.now {
            self.destroy(orphan, AT_LEAST.max(tenants / ONE_IN));
        }
    }

    /// Until it is its turn, or does not work although it was healed.
    fn keeps_its_settings(&mut self, drifts: &[Drift], renew: &[String], expected: &Expected) {
        let turn = urgency(drifts) == Urgency::Renew;
        let helped = expected.trouble.is_none_or(|trouble| trouble.heals == 0);
        let well =
            |name: &String| !drifts.iter().any(|drift| drift.renew(Urgency::Revive, true) == Some(name));
        self.must(
            turn || renew.is_empty() || (!helped && !renew.iter().any(well)),
            "what is there keeps its settings until it is its turn",
        );
    }

    /// Whoever was renewed and has, by what is seen, anything of that left.
    fn is_proved(&mut self, drifts: &[Drift], sight: &Sight) {
        let newest = |id: &TenantId| {
            let seen = sight.inventory.containers.iter().filter(|c| c.owner.tenant == Some(*id));
            seen.filter(|c| is_newest(c)).count() > 0
        };
        let lives = |id: &TenantId| self.lives.get(id).is_some_and(|life| *life != Life::Gone);
        let mut lately = self.renewed_at.iter().filter(|(_, at)| self.now - **at < CLEAR_AFTER);
        let proved = lately.all(|(id, _)| !lives(id) || !newest(id));
        self.must(
            proved || urgency(drifts) != Urgency::Renew,
            "the next one is renewed when the one before has been well for a while",
        );
    }

    /// That it was healed, or renewed.
    fn remember(&mut self, id: TenantId, drifts: &[Drift]) {
        let heals = u32::from(urgency(drifts) != Urgency::Renew);
        let (now, before) = (self.now, self.troubles.get(&id).copied());
        let (since, healed, shown) =
            before.filter(|(_, heals, shown)| *heals > 0 || *shown).unwrap_or((now, 0, false));
        self.troubles.insert(id, (since, healed + heals, shown));
    }

    /// A few at once of those that hang, and one alone of those that only have to be renewed.
    fn is_well_paced(&mut self, healed: &[(TenantId, Cure)], before: usize) {
        let urgencies: Vec<_> = healed.iter().map(|(_, cure)| urgency(&cure.drifts)).collect();
        let count = |urgency: Urgency| urgencies.iter().filter(|other| **other == urgency).count();
        let revived = count(Urgency::Revive);
        self.must(revived + before <= REVIVED_AT_ONCE.max(before), "not too many are revived at once");
        let renewed = count(Urgency::Renew);
        self.must(renewed == 0 || (renewed, healed.len(), before) == (1, 1, 0), "one is renewed, alone");
    }

    /// Nothing is concluded from what was not seen, or not for long enough.
    fn is_grounded(&mut self, drift: &Drift, sight: &Sight) {
        let silent = |name: &String| sight.inventory.unknown.contains(name);
        let grounded = match drift {
            Drift::LoginMissing => sight.logins.is_some(),
            Drift::ContainerUnhealthy(name) => {
                let since = self.unhealthy_since.get(name);
                let long = since.is_some_and(|since| self.now - *since >= UNHEALTHY_FOR);
                long && self.now - self.unsteady_until >= RECOVERY
            }
            Drift::ContainerSilent(name) => {
                let since = self.silent_since.get(name);
                silent(name) && since.is_some_and(|since| self.now - *since >= SILENT_FOR)
            }
            Drift::ContainerCrashLooping(_) => self.now - self.unsteady_until >= RECOVERY,
            Drift::ContainerMissing(name)
            | Drift::ContainerDown(name)
            | Drift::LimitsDiffer(name)
            | Drift::SettingsDiffer(name) => !silent(name),
            Drift::NetworkMissing
            | Drift::NetworkExitDiffers
            | Drift::SharedDetached(_)
            | Drift::RoleMissing => true,
            // Nobody in the model shares an n8n, and nothing waits there.
            Drift::CommonDiffers | Drift::Member(_) | Drift::WorkerIdle(_) => false,
        };
        self.must(grounded, format!("nothing is concluded from what was not seen: {drift:?}"));
    }

    /// The model's own account of what was seen, and since when.
    fn see(&mut self, sight: &Sight) {
        let (seen, now) = (orphans(&sight.inventory, &self.lives), self.now);
        self.seen_since.retain(|orphan, _| seen.contains(orphan));
        for orphan in seen {
            self.seen_since.entry(orphan).or_insert(now);
        }
        self.see_health(&sight.inventory);
        self.silent_since.retain(|name, _| sight.inventory.unknown.contains(name));
        for name in &sight.inventory.unknown {
            self.silent_since.entry(name.clone()).or_insert(now);
        }
        if sight.logins.is_none() {
            self.unsteady_until = now;
            self.unhealthy_since.clear();
        }
    }

    fn see_health(&mut self, inventory: &Inventory) {
        let there = |name: &String| inventory.find(name).is_some() || inventory.unknown.contains(name);
        self.unhealthy_since.retain(|name, _| there(name));
        for seen in &inventory.containers {
            if seen.health == Health::Unhealthy {
                self.unhealthy_since.entry(seen.name.clone()).or_insert(self.now);
            } else {
                self.unhealthy_since.remove(&seen.name);
            }
        }
    }

    fn destroy(&mut self, orphan: &Orphan, tenants: usize) {
        self.note(format_args!("destroy {orphan:?}"));
        let since = self.seen_since.get(orphan).copied();
        self.must(
            since.is_some(),
            "what belongs to somebody, to the platform or to a stranger is not destroyed",
        );
        let old = since.is_none_or(|since| self.now.saturating_sub(since) >= GRACE);
        self.must(old, "nothing is destroyed before its grace is over");
        if self.stubborn.contains(orphan.name()) {
            self.sightings.failed(orphan, self.start + self.now);
        } else {
            self.take_away(orphan);
        }
        let begun = self.removed.get(&orphan.tenant()).is_some_and(|at| self.within_the_hour(*at));
        if !begun {
            self.removed.insert(orphan.tenant(), self.now);
        }
        let lately = self.removed.values().filter(|at| self.within_the_hour(**at)).count();
        self.must(begun || lately <= tenants, "no hour destroys more than its share of the tenants");
    }

    fn within_the_hour(&self, at: Duration) -> bool {
        self.now - at < super::HOUR
    }

    /// Exactly this: the same name with another owner is something else.
    pub fn take_away(&mut self, orphan: &Orphan) {
        match orphan {
            Orphan::Container { name, tenant } => {
                self.world.containers.retain(|c| c.name != *name || c.owner.tenant != Some(*tenant));
                self.world.volumes.retain(|v| v.container != *name || v.tenant != Some(*tenant));
            }
            Orphan::Network { name, tenant } => {
                self.world.networks.retain(|n| n.name != *name || n.tenant != Some(*tenant));
            }
        }
    }

    /// Time passes, operations go on, and so does whatever ends again and again.
    pub fn wait(&mut self) {
        self.now += Duration::from_millis(self.dice.u64(0..30_000));
        if self.dice.u32(..3) == 0 {
            self.silent.clear();
        }
        self.crash();
        let busy = self.lives.clone().into_iter().filter_map(|(id, life)| match life {
            Life::Busy(left) => Some((id, left - 1)),
            Life::Settled | Life::Gone => None,
        });
        for (id, left) in busy {
            let life = if left > 0 { Life::Busy(left) } else { Life::Settled };
            self.lives.insert(id, life);
            if life == Life::Settled {
                self.heal(id);
            }
        }
    }

    /// Whatever ends again and again does so once more.
    pub fn crash(&mut self) {
        for container in &mut self.world.containers {
            if self.looping.contains(&container.name) {
                container.restarts += 1;
            }
        }
    }

    /// Every operation ends, without time passing.
    pub fn finish_operations(&mut self) {
        let busy = self.lives.clone().into_iter().filter(|(_, life)| matches!(life, Life::Busy(_)));
        for (id, _) in busy {
            self.lives.insert(id, Life::Settled);
            self.heal(id);
        }
    }

    /// Nothing changes, so nothing is planned.
    pub fn idle(&mut self, passes: usize) {
        for _ in 0..passes {
            self.now += Duration::from_secs(20);
            let (sight, now) = (self.sight(), self.start + self.now);
            self.watch.look(&sight.inventory, sight.is_whole(), now);
            let plan = plan(&self.rows(), &sight, &self.watch, SETTINGS, now);
            let nothing = plan.drifted.is_empty() && plan.orphans.is_empty();
            self.must(nothing, "an idle pass plans nothing");
        }
    }
}
