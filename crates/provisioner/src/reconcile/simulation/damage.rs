//! What goes wrong in the world between two passes.

use std::time::Duration;

use common::id::TenantId;
use engine::{Health, State, VolumeObserved};
use n8n::launch;

use super::{
    super::plan::tests::{container, network},
    model::{Life, Model, STRANGE},
};

/// Every sort of damage, as the trace names it.
pub const NAMES: [&str; 25] = [
    "a container is killed",
    "a container is removed",
    "a container's limits are changed",
    "a container is relabelled",
    "a network is removed, or gets an exit or loses it",
    "a shared server is detached",
    "a login is lost",
    "something of a gone tenant's appears",
    "something of a gone tenant's goes by itself",
    "something foreign appears",
    "a tenant is created",
    "a tenant is deleted",
    "an operation begins",
    "it is removed and comes back",
    "a container hangs",
    "a container ends again and again",
    "a container is of a former release",
    "a role is lost",
    "Redis is away",
    "the engine is silent about a container",
    "something of a stranger's appears",
    "something cannot be removed",
    "everything hangs",
    "the inventory is stale",
    "an event comes twice",
];

impl Model {
    /// Damages something, or a few things.
    pub fn damage(&mut self) {
        for _ in 0..self.dice.usize(0..4) {
            let sort = self.dice.usize(..NAMES.len() - 2);
            self.note(NAMES[sort]);
            self.damage_one(sort);
        }
    }

    fn damage_one(&mut self, sort: usize) {
        match sort {
            0..4 => self.damage_container(sort),
            4 if self.dice.bool() => self.drop_a_network(),
            4 => self.turn_an_exit(),
            5 => {
                if let Some(at) = self.choose(self.world.networks.len()) {
                    self.world.networks[at].attached.pop_first();
                }
            }
            6 => {
                let lost = self.choose(self.logins.len()).and_then(|at| self.logins.iter().nth(at).copied());
                self.logins.retain(|login| Some(*login) != lost);
            }
            7 => {
                let tenant = self.gone();
                self.leave_something_behind(tenant);
            }
            8 => {
                let orphans = self.orphans();
                if let Some(gone) = self.choose(orphans.len()).and_then(|at| orphans.into_iter().nth(at)) {
                    self.take_away(&gone);
                }
            }
            9 => {
                let name = format!("foreign-{}", self.trace.len());
                self.world.containers.push(container(None, &name, State::Exited));
            }
            10 => drop(self.new_tenant()),
            11 => self.change_a_life(Life::Gone),
            12 => {
                let passes = self.dice.u32(1..4);
                self.change_a_life(Life::Busy(passes));
            }
            13 => self.there_and_back(),
            14..17 => self.damage_container(sort),
            17 => {
                let lost = self.choose(self.roles.len()).and_then(|at| self.roles.iter().nth(at).copied());
                self.roles.retain(|role| Some(*role) != lost);
            }
            18 => self.away_until = self.now + Duration::from_secs(self.dice.u64(1..90)),
            19 => {
                let name =
                    self.choose(self.world.containers.len()).map(|at| self.world.containers[at].name.clone());
                self.silent.extend(name);
            }
            20 => {
                let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(STRANGE + self.dice.u128(..4)));
                self.leave_something_behind(tenant);
            }
            21 => {
                let tenant = self.gone();
                self.leave_something_behind(tenant);
                let theirs = self.world.containers.iter().filter(|c| c.owner.tenant == Some(tenant));
                self.stubborn.extend(theirs.map(|c| c.name.clone()));
            }
            _ => {
                let ours = self.world.containers.iter_mut().filter(|c| c.owner.tenant.is_some());
                ours.for_each(|container| container.health = Health::Unhealthy);
            }
        }
    }

    /// One of so many, if there are any.
    fn choose(&mut self, count: usize) -> Option<usize> {
        (count > 0).then(|| self.dice.usize(..count))
    }

    fn damage_container(&mut self, sort: usize) {
        // What is foreign is left alone: it has to be there in the end as it was.
        let ours = |c: &engine::Observed| c.owner.tenant.is_some();
        let count = self.world.containers.iter().filter(|c| ours(c)).count();
        let Some(chosen) = self.choose(count) else { return };
        let (gone, states) = (self.gone(), [State::Exited, State::Paused, State::Created]);
        let state = states[self.dice.usize(..states.len())];
        let configured = sort == 16 && self.dice.bool();
        let at = self.world.containers.iter().enumerate().filter(|(_, c)| ours(c)).nth(chosen);
        let Some(at) = at.map(|(at, _)| at) else { return };
        let container = &mut self.world.containers[at];
        match sort {
            0 => container.state = state,
            1 => drop(self.world.containers.remove(at)),
            2 => container.limits.memory_mb = 77,
            3 => container.owner.tenant = Some(gone),
            14 => container.health = Health::Unhealthy,
            15 => self.looping.extend([container.name.clone()]),
            _ if configured => container.settings = "former".into(),
            _ => container.launch = launch::REVISION - 1,
        }
    }

    fn turn_an_exit(&mut self) {
        if let Some(at) = self.choose(self.world.networks.len()) {
            self.world.networks[at].has_exit ^= true;
        }
    }

    fn drop_a_network(&mut self) {
        if let Some(at) = self.choose(self.world.networks.len()) {
            self.world.networks.remove(at);
        }
    }

    /// A tenant that lives no more.
    fn gone(&mut self) -> TenantId {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(self.dice.u128(1_000..1_004)));
        self.lives.insert(tenant, Life::Gone);
        tenant
    }

    /// Sometimes a lot of it: more than one pass may take away.
    fn leave_something_behind(&mut self, tenant: TenantId) {
        let count = if self.dice.u32(..4) == 0 { 9 } else { 1 };
        for number in 0..count {
            let name = format!("left-{}-{number}", self.dice.u32(..20));
            match self.dice.u32(..4) {
                0 if !self.world.networks.iter().any(|network| network.tenant == Some(tenant)) => {
                    self.world.networks.push(network(tenant, &[]));
                }
                1 => self.world.volumes.push(volume(tenant, name)),
                _ if self.world.find(&name).is_none() => {
                    self.world.containers.push(container(Some(tenant), &name, State::Running));
                }
                _ => {}
            }
        }
    }

    fn change_a_life(&mut self, life: Life) {
        let settled: Vec<_> =
            self.lives.iter().filter(|(_, life)| **life == Life::Settled).map(|(id, _)| *id).collect();
        if let Some(at) = self.choose(settled.len()) {
            self.lives.insert(settled[at], life);
        }
    }

    /// Between two passes it was not there, and now it is: nobody can have seen that.
    fn there_and_back(&mut self) {
        if let Some(at) = self.choose(self.world.containers.len()) {
            let back = self.world.containers.remove(at);
            self.world.containers.push(back);
        }
    }
}

fn volume(tenant: TenantId, container: String) -> VolumeObserved {
    let cluster = "local".parse().unwrap();
    VolumeObserved { name: format!("{container}-secrets"), tenant: Some(tenant), cluster, container }
}
