//! What to do about what is found under a container's name. Pure, and the same for every engine.

use crate::error::ContainerError;
use crate::hash::SpecHash;
use crate::observed::State;
use crate::ownership::Ownership;
use crate::spec::{ContainerRef, ContainerSpec};

/// What an engine shows under a name, as far as decisions need it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// `None`: its labels are not completely ours.
    pub(crate) owner: Option<Ownership>,
    pub(crate) hash: Option<SpecHash>,
    pub(crate) state: State,
    /// Whether it is still in the network that the specification names.
    pub(crate) in_network: bool,
    /// What it ended with, if it has ended.
    pub(crate) exit_code: Option<i64>,
}

/// The way to a running container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing is there.
    Create,
    /// Something older or damaged is there.
    Replace,
    /// Its maker was interrupted, perhaps while writing its secrets: write them again, then start it.
    Finish,
    Start,
    Unpause,
    /// It runs, or the engine is about to start it again.
    Keep,
}

/// The way to the end of a container that runs once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunWay {
    Create,
    Replace,
    Finish,
    /// It runs: a crashed caller started it.
    Join,
    /// It ran and succeeded, and nobody was there to hear it.
    Believe,
}

pub(crate) fn ensure(spec: &ContainerSpec, found: Option<&Found>) -> Result<Way, ContainerError> {
    let Some(found) = found else {
        return Ok(Way::Create);
    };
    if !same_spec(spec, found)? || !found.in_network {
        return Ok(Way::Replace);
    }
    Ok(match found.state {
        State::Created => Way::Finish,
        State::Running | State::Restarting => Way::Keep,
        State::Paused => Way::Unpause,
        State::Exited => Way::Start,
        State::Removing => Way::Replace,
    })
}

pub(crate) fn run_once(spec: &ContainerSpec, found: Option<&Found>) -> Result<RunWay, ContainerError> {
    let Some(found) = found else {
        return Ok(RunWay::Create);
    };
    if !same_spec(spec, found)? {
        return Ok(RunWay::Replace);
    }
    Ok(match found.state {
        State::Created if found.in_network => RunWay::Finish,
        State::Running => RunWay::Join,
        // A failure may have been our own kill, or a reason that has passed since: only a success is final.
        State::Exited if found.exit_code == Some(0) => RunWay::Believe,
        State::Created | State::Exited | State::Paused | State::Restarting | State::Removing => {
            RunWay::Replace
        }
    })
}

/// Whether what was found may be changed or removed by whoever holds this reference.
pub(crate) fn touch(reference: &ContainerRef, owner: Option<&Ownership>) -> Result<(), ContainerError> {
    let conflict = |reason: &str| Err(ContainerError::conflict(&reference.name, reason));
    let Some(owner) = owner else {
        return conflict("a container that is not ours has this name");
    };
    if owner.tenant != reference.tenant || owner.cluster != reference.cluster {
        return conflict("the container belongs to somebody else");
    }
    if reference.generation.is_some_and(|ours| owner.generation > ours) {
        return conflict("a newer generation is there");
    }
    Ok(())
}

pub(crate) fn volume_not_ours(container: &str) -> ContainerError {
    ContainerError::conflict(container, "the volume of its secrets belongs to somebody else")
}

pub(crate) fn network_not_ours(spec: &ContainerSpec) -> ContainerError {
    ContainerError::conflict(&spec.name, "the network it would join belongs to somebody else")
}

/// Whether it is the same specification; an error when it is not ours, or newer than we are.
fn same_spec(spec: &ContainerSpec, found: &Found) -> Result<bool, ContainerError> {
    touch(&spec.reference(), found.owner.as_ref())?;
    if found.owner.as_ref().is_some_and(|owner| !owner.same_place(&spec.owner)) {
        return Err(ContainerError::conflict(&spec.name, "the container has another role or colour"));
    }
    Ok(found.hash.as_ref() == Some(&SpecHash::of(spec)))
}
