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
    pub(crate) image: String,
    pub(crate) launch: u32,
    pub(crate) state: State,
    /// Whether it is still in the network that the specification names.
    pub(crate) in_network: bool,
    /// What it ended with, if it has ended.
    pub(crate) exit_code: Option<i64>,
}

/// How much of a specification has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// All of it.
    Exact,
    /// What is there keeps the settings it was made with.
    Alive,
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

pub(crate) fn ensure(
    spec: &ContainerSpec,
    found: Option<&Found>,
    demand: Demand,
) -> Result<Way, ContainerError> {
    let Some(found) = found else {
        return Ok(Way::Create);
    };
    let same = same_spec(spec, found)? || keeps_its_settings(spec, found, demand);
    if !same || !found.in_network {
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

/// Whether other settings are left as they are: because nobody wants them changed, or because a newer release, which may run beside
/// this one, made them. One that never ran may lack its secrets.
fn keeps_its_settings(spec: &ContainerSpec, found: &Found, demand: Demand) -> bool {
    let spared = demand == Demand::Alive || found.launch > spec.launch;
    let generation = found.owner.as_ref().map(|owner| owner.generation);
    let alike = generation == Some(spec.owner.generation) && found.image == spec.image;
    spared && alike && found.state != State::Created
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
            settings: String::new(),
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
        Found {
            owner: Some(spec.owner.clone()),
            hash: Some(SpecHash::of(spec)),
            image: spec.image.clone(),
            launch: spec.launch,
            state,
            in_network: true,
            exit_code: None,
        }
    }

    fn ensure(spec: &ContainerSpec, found: Option<&Found>) -> Result<Way, ContainerError> {
        super::ensure(spec, found, Demand::Exact)
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
    fn whoever_only_has_to_live_keeps_its_settings() {
        let spec = spec();
        let ways = |change: fn(&mut ContainerSpec), state| {
            let mut there = spec.clone();
            change(&mut there);
            let found = found(&there, state);
            [Demand::Exact, Demand::Alive].map(|demand| super::ensure(&spec, Some(&found), demand).unwrap())
        };
        let former: fn(&mut ContainerSpec) = |there| there.launch = 0;
        assert_eq!(ways(former, State::Running), [Way::Replace, Way::Keep]);
        assert_eq!(ways(former, State::Restarting), [Way::Replace, Way::Keep]);
        assert_eq!(ways(former, State::Exited), [Way::Replace, Way::Start]);
        assert_eq!(ways(former, State::Paused), [Way::Replace, Way::Unpause]);
        assert_eq!(ways(former, State::Created), [Way::Replace, Way::Replace], "it may lack its secrets");
        assert_eq!(ways(former, State::Removing), [Way::Replace, Way::Replace]);
        // What a newer release made is not for this one to change.
        assert_eq!(ways(|there| there.launch = 2, State::Running), [Way::Keep, Way::Keep]);
        // Another generation or image is another thing to run, not another way of running it.
        assert_eq!(ways(|there| there.owner.generation = 4, State::Running), [Way::Replace, Way::Replace]);
        assert_eq!(ways(|there| there.image.push('x'), State::Running), [Way::Replace, Way::Replace]);
        let lost = Found { in_network: false, ..found(&spec, State::Running) };
        assert_eq!(super::ensure(&spec, Some(&lost), Demand::Alive).unwrap(), Way::Replace);
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
