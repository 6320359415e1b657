//! The outside world: what workers act on, and what outlives them.
//!
//! It is less forgiving than an engine or a database. Something that is made again although it is there is there twice, so
//! that a careless repetition shows; and an effect that comes with an older fence than one already seen of its operation is
//! refused and counted.

mod protocol;
mod server;
mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use common::{clock, id::TenantId};
use time::OffsetDateTime;
use tokio::sync::Notify;

pub use protocol::{Call, Holder, Kind, Limits, Object, Verb};
pub use server::serve;
use state::State;
pub use state::is_main;

/// Something that a worker did.
#[derive(Debug, Clone)]
pub struct Effect {
    pub by: Holder,
    pub verb: Verb,
    /// What it was done to; nothing, if that was gone.
    pub object: Option<(Kind, String)>,
    pub at: OffsetDateTime,
}

/// Why a call had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It came from somebody whose operation is held by another worker by now.
    #[error("this fence is over")]
    Stale,
    #[error("it is not there")]
    Absent,
}

/// What is to be changed is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absent;

impl From<Absent> for Refusal {
    fn from(_: Absent) -> Self {
        Self::Absent
    }
}

/// Everything that is there, and everything that was done.
#[derive(Default)]
pub struct World {
    state: Mutex<State>,
    /// Told whenever a worker was woken by a message.
    pub woken: Notify,
}

impl World {
    /// Does what is asked; a look is answered with everything that the tenant has.
    pub fn call(&self, call: &Call) -> Result<Vec<Object>, Refusal> {
        let (mut state, by, now) = (self.state(), &call.by, clock::now());
        let newest = state.fences.entry(by.operation).or_insert(by.fence);
        let stale = by.fence < *newest;
        *newest = (*newest).max(by.fence);
        match call.verb {
            Verb::Look => return Ok(state.all_of(by.tenant)),
            Verb::Pending => return Ok(vec![Object::job(); state.pending(by.tenant, now)]),
            Verb::Make { .. } | Verb::Drop { .. } | Verb::Resize { .. } | Verb::Restart { .. } => {}
        }
        let object = state.object(by.tenant, &call.verb);
        let effect = Effect { by: by.clone(), verb: call.verb.clone(), object, at: now };
        if stale {
            state.refused.push(effect);
            return Err(Refusal::Stale);
        }
        let outcome = state.act(by, &call.verb, now)?;
        if outcome.doubled {
            state.doubled.push(effect.clone());
        }
        if outcome.cut_off {
            state.cut_off.push(effect.clone());
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

    /// What made something that was there already, or restarted it a second time.
    pub fn doubled(&self) -> Vec<Effect> {
        self.state().doubled.clone()
    }

    /// What took away the last worker while executions ran.
    pub fn cut_off(&self) -> Vec<Effect> {
        self.state().cut_off.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
