//! Effects: what changes the world, and the ledger of it.

use std::fmt;

use super::FakeEngine;
use super::faults::When;
use super::state::State;
use crate::error::ContainerError;

/// One change of the world, and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub actor: String,
    pub verb: Verb,
    /// The object's name; for attaching and detaching, `network/role`.
    pub target: String,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} {}", self.actor, self.verb, self.target)
    }
}

/// What an effect does. Finer than the verbs of the port: between two of these a caller can crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    NetworkCreate,
    NetworkAttach,
    NetworkDetach,
    NetworkRemove,
    VolumeCreate,
    VolumeRemove,
    ContainerCreate,
    SecretsWrite,
    ContainerStart,
    ContainerUnpause,
    ContainerStop,
    ContainerRemove,
    ContainerResize,
    ContainerRestart,
    ContainerExec,
    RecordNote,
}

/// Whether an effect found anything left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Made,
    /// Somebody was faster.
    Already,
}

impl Verb {
    /// All of them, for tests that go through every place where a caller can crash.
    pub const ALL: &'static [Self] = &[
        Self::NetworkCreate,
        Self::NetworkAttach,
        Self::NetworkDetach,
        Self::NetworkRemove,
        Self::VolumeCreate,
        Self::VolumeRemove,
        Self::ContainerCreate,
        Self::SecretsWrite,
        Self::ContainerStart,
        Self::ContainerUnpause,
        Self::ContainerStop,
        Self::ContainerRemove,
        Self::ContainerResize,
        Self::ContainerRestart,
        Self::ContainerExec,
        Self::RecordNote,
    ];
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
        let fault = state.take_fault(verb, target);
        if let Some(When::Before) = fault {
            return Err(When::Before.error());
        }
        if change(&mut state)? == Change::Made {
            state.ledger.push(Effect { actor: self.actor.to_string(), verb, target: target.to_owned() });
        }
        fault.map_or(Ok(()), |when| Err(when.error()))
    }
}
