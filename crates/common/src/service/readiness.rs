//! Readiness is a set of latches: each thing a service cannot work without holds one until it is usable.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::error::chain;

/// Whether this service should get work.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    held: Vec<Held>,
    withdrawn: bool,
}

/// What is waited for, and why, if somebody has said.
struct Held {
    name: &'static str,
    reason: Option<String>,
    /// That, with all that caused it.
    told: String,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{} ({reason})", self.name),
            None => f.write_str(self.name),
        }
    }
}

impl Readiness {
    /// Not ready before the returned latch is released.
    pub fn latch(&self, name: &'static str) -> Latch {
        self.state().held.push(Held { name, reason: None, told: String::new() });
        Latch { name, readiness: self.clone() }
    }

    /// From now on not ready: the service is stopping.
    pub fn withdraw(&self) {
        self.state().withdrawn = true;
    }

    /// Whether everything that was waited for is usable, stopping or not.
    pub fn is_complete(&self) -> bool {
        self.state().held.is_empty()
    }

    /// `Ok` when ready, otherwise what is waited for.
    pub fn check(&self) -> Result<(), String> {
        let state = self.state();
        match (state.withdrawn, state.held.as_slice()) {
            (true, _) => Err("stopping".into()),
            (false, []) => Ok(()),
            (false, held) => {
                let held: Vec<_> = held.iter().map(Held::to_string).collect();
                Err(format!("waiting for {}", held.join(", ")))
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reason not to be ready yet. Dropping it without releasing it keeps the service unready: that is on purpose.
#[must_use]
pub struct Latch {
    name: &'static str,
    readiness: Readiness,
}

impl Latch {
    /// Says why this is waited for still.
    pub fn explain(&self, reason: String) {
        let mut state = self.readiness.state();
        if let Some(held) = state.held.iter_mut().find(|held| held.name == self.name) {
            held.reason = Some(reason);
        }
    }

    /// The same of an error. Returns it with all that caused it, for the log, if that is something else than the last time.
    pub fn explain_error(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        self.explain(error.to_string());
        let why = chain(error);
        let mut state = self.readiness.state();
        let held = state.held.iter_mut().find(|held| held.name == self.name)?;
        (std::mem::replace(&mut held.told, why.clone()) != why).then_some(why)
    }

    /// What this latch stood for is usable now.
    pub fn release(self) {
        let mut state = self.readiness.state();
        if let Some(position) = state.held.iter().position(|held| held.name == self.name) {
            state.held.swap_remove(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_every_latch_released_and_not_stopping() {
        let readiness = Readiness::default();
        let (database, bus) = (readiness.latch("database"), readiness.latch("bus"));
        database.explain("it is away".into());
        assert_eq!(readiness.check(), Err("waiting for database (it is away), bus".into()));
        database.release();
        assert_eq!(readiness.check(), Err("waiting for bus".into()));
        assert!(!readiness.is_complete());
        bus.release();
        assert_eq!(readiness.check(), Ok(()));
        assert!(readiness.is_complete());
        readiness.withdraw();
        assert_eq!(readiness.check(), Err("stopping".into()));
        assert!(readiness.is_complete());
    }
}
