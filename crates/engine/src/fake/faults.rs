//! Faults on demand.

use super::ledger::Verb;
use crate::error::{Cause, ContainerError};

/// An effect that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    verb: Verb,
    when: When,
    target: Option<String>,
    times: u32,
}

/// On which side of the effect the fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing happened, and the caller is told that the engine was unreachable.
    Before,
    /// It happened, and the caller is told of a timeout.
    After,
}

impl When {
    pub(super) fn error(self) -> ContainerError {
        match self {
            Self::Before => unreachable("fake engine"),
            Self::After => ContainerError::Timeout { call: "fake engine", after_ms: 0 },
        }
    }
}

impl Fault {
    /// The next effect of this sort fails.
    pub fn new(verb: Verb, when: When) -> Self {
        Self { verb, when, target: None, times: 1 }
    }

    /// Fails without having happened.
    pub fn before(verb: Verb) -> Self {
        Self::new(verb, When::Before)
    }

    /// Happens, and fails then.
    pub fn after(verb: Verb) -> Self {
        Self::new(verb, When::After)
    }

    /// Only on this object.
    #[must_use]
    pub fn on(self, target: &str) -> Self {
        Self { target: Some(target.to_owned()), ..self }
    }

    /// So many times in all.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    fn hits(&self, verb: Verb, target: &str) -> bool {
        self.times > 0 && self.verb == verb && self.target.as_deref().is_none_or(|name| name == target)
    }
}

/// What happens to this effect, by the first fault that hits it; a fault that is used up is gone.
pub(super) fn take(faults: &mut Vec<Fault>, verb: Verb, target: &str) -> Option<When> {
    let fault = faults.iter_mut().find(|fault| fault.hits(verb, target))?;
    fault.times -= 1;
    let when = fault.when;
    faults.retain(|fault| fault.times > 0);
    Some(when)
}

/// The engine does not answer.
pub(super) fn unreachable(call: &'static str) -> ContainerError {
    let source: Cause = Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
    ContainerError::Unreachable { call, source }
}
