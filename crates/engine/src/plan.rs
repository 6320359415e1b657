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

#[cfg(test)]
mod tests {
    use common::id::TenantId;
    use common::tenant::Color;

    use super::*;
    use crate::ownership::Role;
    use crate::spec::{Limits, RestartPolicy};

    fn spec() -> ContainerSpec {
        ContainerSpec {
            name: "acme-main".into(),
            owner: Ownership {
                tenant: Some(TenantId::generate()),
                role: Role::Main,
                color: Color::Blue,
                generation: 5,
                cluster: "local".parse().unwrap(),
            },
            image: "n8n".into(),
            command: vec![],
            env: Default::default(),
            launch: 1,
            labels: Default::default(),
            network: "acme".into(),
            aliases: vec![],
            limits: Limits { cpu_millis: 500, memory_mb: 512, pids: 64 },
            health: None,
            restart: RestartPolicy::Never,
            stop_timeout: std::time::Duration::from_secs(1),
            tmpfs: vec![],
            secrets: vec![],
        }
    }

    fn found(spec: &ContainerSpec, state: State) -> Found {
        let (owner, hash) = (Some(spec.owner.clone()), Some(SpecHash::of(spec)));
        Found { owner, hash, state, in_network: true, exit_code: None }
    }

    #[test]
    fn every_state_has_its_way() {
        let spec = spec();
        let ways = [
            (State::Created, Way::Finish, RunWay::Finish),
            (State::Running, Way::Keep, RunWay::Join),
            (State::Paused, Way::Unpause, RunWay::Replace),
            (State::Restarting, Way::Keep, RunWay::Replace),
            (State::Exited, Way::Start, RunWay::Replace),
            (State::Removing, Way::Replace, RunWay::Replace),
        ];
        for (state, way, run_way) in ways {
            let found = found(&spec, state);
            assert_eq!(ensure(&spec, Some(&found)).unwrap(), way, "{state:?}");
            assert_eq!(run_once(&spec, Some(&found)).unwrap(), run_way, "{state:?}");
        }
        assert_eq!(ensure(&spec, None).unwrap(), Way::Create);
        assert_eq!(run_once(&spec, None).unwrap(), RunWay::Create);
    }

    #[test]
    fn only_a_success_is_believed() {
        let spec = spec();
        for (code, way) in [(0, RunWay::Believe), (1, RunWay::Replace), (137, RunWay::Replace)] {
            let found = Found { exit_code: Some(code), ..found(&spec, State::Exited) };
            assert_eq!(run_once(&spec, Some(&found)).unwrap(), way, "exit code {code}");
        }
    }

    #[test]
    fn one_that_lost_its_network_is_made_anew() {
        let spec = spec();
        let found = Found { in_network: false, ..found(&spec, State::Running) };
        assert_eq!(ensure(&spec, Some(&found)).unwrap(), Way::Replace);
    }

    #[test]
    fn older_ones_give_way_and_newer_or_foreign_ones_do_not() {
        let spec = spec();
        let with = |change: fn(&mut Ownership)| {
            let mut there = spec.clone();
            change(&mut there.owner);
            ensure(&spec, Some(&found(&there, State::Running)))
        };
        assert_eq!(with(|owner| owner.generation = 4).unwrap(), Way::Replace);
        assert!(with(|owner| owner.generation = 6).is_err());
        assert!(with(|owner| owner.tenant = None).is_err());
        assert!(with(|owner| owner.tenant = Some(TenantId::generate())).is_err());
        assert!(with(|owner| owner.role = Role::Worker).is_err());
        assert!(with(|owner| owner.color = Color::Green).is_err());
        assert!(with(|owner| owner.cluster = "other".parse().unwrap()).is_err());
        let foreign = Found { owner: None, ..found(&spec, State::Running) };
        assert!(ensure(&spec, Some(&foreign)).is_err());
    }
}
