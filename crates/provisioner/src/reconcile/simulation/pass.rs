//! One look at the world, what is done about it, and whether that was right.

use std::time::Duration;

use common::id::TenantId;
use engine::Inventory;

use super::{
    super::{
        plan::{Orphan, plan},
        sightings::{AT_ONCE, GRACE},
    },
    model::{Life, Model, orphans},
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

    fn observe(&mut self, rough: bool) -> (Inventory, Vec<TenantId>, bool) {
        let fresh = (self.world.clone(), self.logins.iter().copied().collect::<Vec<_>>());
        self.past.push(fresh);
        let stale = rough && self.dice.u32(..8) == 0;
        let back = if stale { self.dice.usize(1..4) } else { 0 };
        if stale {
            self.note("the inventory is stale");
        }
        let (inventory, logins) = self.past[(self.past.len() - 1).saturating_sub(back)].clone();
        (inventory, logins, stale)
    }

    fn look(&mut self, rough: bool) {
        let (inventory, logins, stale) = self.observe(rough);
        let plan = plan(&self.rows(), &inventory, &logins);
        for (id, drifts) in &plan.drifted {
            self.note(format_args!("heal {id}: {drifts:?}"));
            self.must(stale || !self.is_whole(*id, false), "what is as it should be is not healed");
            self.must(self.lives[id] == Life::Settled, "what an operation works on is left to it");
            let passes = self.dice.u32(1..3);
            self.lives.insert(*id, Life::Busy(passes));
        }
        self.see(&inventory);
        let due = self.sightings.due(plan.orphans, self.start + self.now);
        self.must(due.now.len() <= AT_ONCE, "no pass destroys more than its share");
        for orphan in &due.now {
            self.destroy(orphan);
        }
        let kept = self.seen_since.len() - due.now.len();
        self.must(due.spared == kept, "what is left for later is counted");
    }

    /// The model's own account of what was seen to belong to nobody, and since when.
    fn see(&mut self, inventory: &Inventory) {
        let (seen, now) = (orphans(inventory, &self.lives), self.now);
        self.seen_since.retain(|orphan, _| seen.contains(orphan));
        for orphan in seen {
            self.seen_since.entry(orphan).or_insert(now);
        }
    }

    fn destroy(&mut self, orphan: &Orphan) {
        self.note(format_args!("destroy {orphan:?}"));
        let since = self.seen_since.get(orphan).copied();
        self.must(since.is_some(), "what belongs to somebody, or to the platform, is not destroyed");
        let old = since.is_none_or(|since| self.now.saturating_sub(since) >= GRACE);
        self.must(old, "nothing is destroyed before its grace is over");
        self.take_away(orphan);
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

    /// Time passes, operations go on.
    pub fn wait(&mut self) {
        self.now += Duration::from_millis(self.dice.u64(0..30_000));
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
            let logins: Vec<_> = self.logins.iter().copied().collect();
            let plan = plan(&self.rows(), &self.world, &logins);
            let nothing = plan.drifted.is_empty() && plan.orphans.is_empty();
            self.must(nothing, "an idle pass plans nothing");
        }
    }
}
