//! The outside world: what workers act on, and what outlives them.
//!
//! It is less forgiving than an engine or a database. Something that is made again although it is there is there twice, so
//! that a careless repetition shows; and an effect that comes with an older fence than one already seen of its operation is
//! refused and counted.

mod protocol;
mod server;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use common::{
    clock,
    id::{OperationId, TenantId},
};
use time::OffsetDateTime;
use tokio::sync::Notify;

pub use protocol::{Call, Holder, Kind, Object, Verb};
pub use server::serve;

/// Something that a worker did.
#[derive(Debug, Clone)]
pub struct Effect {
    pub by: Holder,
    pub what: String,
    pub at: OffsetDateTime,
}

/// The call came from somebody whose operation is held by another worker by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this fence is over")]
pub struct Stale;

/// Everything that is there, and everything that was done.
#[derive(Default)]
pub struct World {
    state: Mutex<State>,
    /// Told whenever a worker was woken by a message.
    pub woken: Notify,
}

#[derive(Default)]
struct State {
    last_id: u64,
    objects: HashMap<TenantId, BTreeMap<u64, Object>>,
    fences: HashMap<OperationId, i64>,
    effects: Vec<Effect>,
    refused: Vec<Effect>,
    doubled: Vec<Effect>,
}

impl World {
    /// Does what is asked; a look is answered with everything that the tenant has.
    pub fn call(&self, call: &Call) -> Result<Vec<Object>, Stale> {
        let (mut state, by) = (self.state(), &call.by);
        let newest = state.fences.entry(by.operation).or_insert(by.fence);
        let stale = by.fence < *newest;
        *newest = (*newest).max(by.fence);
        if matches!(call.verb, Verb::Look) {
            let theirs = state.objects.get(&by.tenant);
            return Ok(theirs.map(|objects| objects.values().cloned().collect()).unwrap_or_default());
        }
        let effect = Effect { by: by.clone(), what: call.verb.to_string(), at: clock::now() };
        if stale {
            state.refused.push(effect);
            return Err(Stale);
        }
        if state.act(by.tenant, &call.verb) {
            state.doubled.push(effect.clone());
        }
        state.effects.push(effect);
        Ok(Vec::new())
    }

    /// What each tenant has; those without anything are left out.
    pub fn objects(&self) -> HashMap<TenantId, Vec<Object>> {
        let state = self.state();
        let all = state.objects.iter().filter(|(_, objects)| !objects.is_empty());
        all.map(|(tenant, objects)| (*tenant, objects.values().cloned().collect())).collect()
    }

    /// Everything that was done, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.state().effects.clone()
    }

    /// What was refused because its fence was over.
    pub fn refused(&self) -> Vec<Effect> {
        self.state().refused.clone()
    }

    /// What made something that was there already.
    pub fn doubled(&self) -> Vec<Effect> {
        self.state().doubled.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns whether something was made that was there already.
    fn act(&mut self, tenant: TenantId, verb: &Verb) -> bool {
        let objects = self.objects.entry(tenant).or_default();
        match verb {
            Verb::Look => false,
            Verb::Make { kind, name, mark } => {
                let twice = objects.values().any(|there| there.kind == *kind && there.name == *name);
                self.last_id += 1;
                let made = Object { id: self.last_id, kind: *kind, name: name.clone(), mark: mark.clone() };
                objects.insert(self.last_id, made);
                twice
            }
            Verb::Drop { id } => {
                objects.remove(id);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(fence: i64) -> Holder {
        let (operation, tenant) =
            (OperationId::from_uuid(uuid::Uuid::nil()), TenantId::from_uuid(uuid::Uuid::nil()));
        Holder { worker: format!("worker-{fence}"), operation, tenant, fence }
    }

    fn make(fence: i64) -> Call {
        let verb = Verb::Make { kind: Kind::Queue, name: "q".into(), mark: String::new() };
        Call { by: holder(fence), verb }
    }

    #[test]
    fn what_is_made_again_is_there_twice_and_counted() {
        let world = World::default();
        world.call(&make(1)).unwrap();
        assert!(world.doubled().is_empty());
        world.call(&make(1)).unwrap();
        assert_eq!((world.doubled().len(), world.objects().values().next().map(Vec::len)), (1, Some(2)));
    }

    #[test]
    fn an_old_fence_may_look_and_not_touch() {
        let world = World::default();
        let look = |fence| Call { by: holder(fence), verb: Verb::Look };
        world.call(&make(1)).unwrap();
        world.call(&look(2)).unwrap();
        assert_eq!(world.call(&make(1)), Err(Stale));
        assert_eq!(world.call(&look(1)).map(|seen| seen.len()), Ok(1));
        assert_eq!((world.refused().len(), world.effects().len()), (1, 1));
    }

    #[test]
    fn dropping_what_is_gone_changes_nothing() {
        let world = World::default();
        world.call(&make(1)).unwrap();
        let id = world.objects().values().next().unwrap()[0].id;
        for _ in 0..2 {
            world.call(&Call { by: holder(1), verb: Verb::Drop { id } }).unwrap();
        }
        assert!(world.objects().is_empty());
    }
}
