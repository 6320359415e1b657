//! What instances run, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::ledger::{Entry, Fault, Ledger};
use crate::databases::{DatabaseError, Name};
use crate::executions::{Activity, Executions, Metered, Whose};

/// The shared state. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct ExecutionWorld(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    metered: BTreeSet<Name>,
    blind: BTreeSet<Name>,
    activities: BTreeMap<Name, BTreeMap<String, Activity>>,
    hours: BTreeMap<Name, Metered>,
}

impl ExecutionWorld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on this world whose calls carry this name in the ledger.
    pub fn actor(&self, name: &str) -> FakeExecutions {
        FakeExecutions { world: self.clone(), actor: name.to_owned() }
    }

    /// Every call so far, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.entries.clone()
    }

    /// Makes the next call of `verb` go wrong.
    pub fn inject(&self, verb: &'static str, fault: Fault) {
        self.state().ledger.inject(verb, fault);
    }

    /// Takes the server away, or brings it back.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.state().ledger.unreachable = unreachable;
    }

    /// What goes on in the instance from now on, by project; an empty name for all of it.
    pub fn set_activity(&self, instance: Name, activity: BTreeMap<String, Activity>) {
        self.state().activities.insert(instance, activity);
    }

    /// What its meter has counted.
    pub fn set_hours(&self, instance: Name, metered: Metered) {
        self.state().hours.insert(instance, metered);
    }

    /// Its meter sees nothing from now on.
    pub fn blind(&self, instance: Name) {
        self.state().blind.insert(instance);
    }

    /// Whether its meter was made.
    pub fn is_metered(&self, instance: &Name) -> bool {
        self.state().metered.contains(instance)
    }
}

/// One actor's handle on an [`ExecutionWorld`].
#[derive(Debug, Clone)]
pub struct FakeExecutions {
    world: ExecutionWorld,
    actor: String,
}

fn away() -> DatabaseError {
    DatabaseError::Unavailable(sqlx::Error::PoolTimedOut)
}

impl FakeExecutions {
    fn call<T>(
        &self,
        verb: &'static str,
        instance: &Name,
        effect: impl FnOnce(&mut State) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut state = self.world.state();
        match state.ledger.begin(verb, instance.to_string(), &self.actor) {
            None => effect(&mut state),
            Some(Fault::BeforeEffect) => Err(away()),
            Some(Fault::AfterEffect) => effect(&mut state).and_then(|_| Err(away())),
        }
    }
}

#[async_trait]
impl Executions for FakeExecutions {
    async fn ensure_meter(&self, instance: &Name) -> Result<(), DatabaseError> {
        self.call("ensure_meter", instance, |state| {
            state.metered.insert(*instance);
            Ok(())
        })
    }

    async fn activity(&self, instance: &Name, _: Whose) -> Result<BTreeMap<String, Activity>, DatabaseError> {
        self.call("activity", instance, |state| {
            Ok(state.activities.get(instance).cloned().unwrap_or_default())
        })
    }

    async fn hours(&self, instance: &Name, _: Option<OffsetDateTime>) -> Result<Metered, DatabaseError> {
        self.call("hours", instance, |state| {
            state.hours.get(instance).cloned().ok_or(DatabaseError::NoDatabase(*instance))
        })
    }

    async fn forget(&self, instance: &Name, _: OffsetDateTime) -> Result<u64, DatabaseError> {
        self.call("forget", instance, |_| Ok(0))
    }

    async fn prune_each(&self, instance: &Name, _: u32) -> Result<u64, DatabaseError> {
        self.call("prune_each", instance, |_| Ok(0))
    }

    async fn is_seen(&self, instance: &Name) -> Result<bool, DatabaseError> {
        self.call("is_seen", instance, |state| Ok(!state.blind.contains(instance)))
    }
}
