//! Changing the world, with the faults that are armed, and looking at it.

use super::FakeEngine;
use super::faults::{self, When};
use super::ledger::{Effect, Verb};
use super::state::State;
use crate::error::ContainerError;

/// Whether an effect found anything left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Made,
    /// Somebody was faster.
    Already,
}

impl FakeEngine {
    /// Looks at the world without changing it.
    pub(super) async fn look<R>(
        &self,
        call: &'static str,
        look: impl FnOnce(&State) -> R + Send,
    ) -> Result<R, ContainerError> {
        // A place where a caller can be cancelled or overtaken, as with a real engine.
        tokio::task::yield_now().await;
        let state = self.world.lock();
        state.reachable(call)?;
        Ok(look(&state))
    }

    /// Changes the world, or does not, as the armed faults say; notes in the ledger what really happened.
    pub(super) async fn effect(
        &self,
        verb: Verb,
        target: &str,
        change: impl FnOnce(&mut State) -> Result<Change, ContainerError> + Send,
    ) -> Result<(), ContainerError> {
        tokio::task::yield_now().await;
        let mut state = self.world.lock();
        state.reachable("fake engine")?;
        let fault = faults::take(&mut state.faults, verb, target);
        if let Some(When::Before) = fault {
            return Err(When::Before.error());
        }
        if change(&mut state)? == Change::Made {
            state.ledger.push(Effect { actor: self.actor.to_string(), verb, target: target.to_owned() });
        }
        fault.map_or(Ok(()), |when| Err(when.error()))
    }
}
