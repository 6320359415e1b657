//! From what the engine shows of a container to what we call it.

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, HealthStatusEnum, HostConfig,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::body::{MEGABYTE, NANOS_PER_MILLI};
use crate::hash::SpecHash;
use crate::observed::{Health, Observed, State};
use crate::ownership::{Ownership, label};
use crate::plan::Found;
use crate::spec::Limits;

/// What decisions need to know of a container; `id` is that of the network it should be in.
pub(super) fn found(seen: &ContainerInspectResponse, network: &str, id: &str) -> Found {
    let state = seen.state.as_ref();
    let networks = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let endpoint = networks.and_then(|networks| networks.get(network));
    // Before the first start the engine has not filled in the id; it joins by name then.
    let joined = endpoint.and_then(|endpoint| endpoint.network_id.as_deref()).unwrap_or_default();
    Found {
        owner: owner(seen),
        hash: hash(seen),
        image: image(seen),
        launch: launch(seen),
        state: life(state),
        in_network: endpoint.is_some() && (joined.is_empty() || joined == id),
        exit_code: exit_code(state),
    }
}

/// A container of ours as it is; `None` when it is not completely ours.
pub(super) fn observed(seen: &ContainerInspectResponse) -> Option<Observed> {
    let state = seen.state.as_ref();
    let networks = seen.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let addresses = networks.into_iter().flat_map(|networks| networks.values());
    Some(Observed {
        name: seen.name.as_deref()?.trim_start_matches('/').to_owned(),
        owner: owner(seen)?,
        spec: hash(seen)?,
        image: image(seen),
        launch: launch(seen),
        settings: told(seen, label::SETTINGS).unwrap_or_default().to_owned(),
        state: life(state),
        health: health(state),
        restarts: seen.restart_count.and_then(|count| count.try_into().ok()).unwrap_or_default(),
        limits: limits(seen.host_config.as_ref()?),
        address: addresses.filter_map(|endpoint| endpoint.ip_address.as_deref()?.parse().ok()).next(),
        started_at: state.and_then(started_at),
        exit_code: exit_code(state),
        oom_killed: has_ended(state) && state.is_some_and(|state| state.oom_killed == Some(true)),
    })
}

/// Whose container it is, if it is completely ours.
pub(super) fn owner(seen: &ContainerInspectResponse) -> Option<Ownership> {
    Ownership::read(seen.config.as_ref()?.labels.as_ref()?)
}

/// As it was asked for.
fn image(seen: &ContainerInspectResponse) -> String {
    seen.config.as_ref().and_then(|config| config.image.clone()).unwrap_or_default()
}

/// Before there was a label, there was one way.
fn launch(seen: &ContainerInspectResponse) -> u32 {
    told(seen, label::LAUNCH).and_then(|told| told.parse().ok()).unwrap_or(1)
}

/// What one of its labels says.
fn told<'a>(seen: &'a ContainerInspectResponse, label: &str) -> Option<&'a str> {
    seen.config.as_ref()?.labels.as_ref()?.get(label).map(String::as_str)
}

fn hash(seen: &ContainerInspectResponse) -> Option<SpecHash> {
    seen.config.as_ref()?.labels.as_ref()?.get(label::SPEC).map(|label| SpecHash::read(label))
}

fn limits(config: &HostConfig) -> Limits {
    let whole = |value: Option<i64>, unit: i64| {
        let value = value.unwrap_or_default();
        // What is not a whole number of our units cannot be what we asked for.
        if value % unit == 0 { u32::try_from(value / unit).unwrap_or_default() } else { 0 }
    };
    Limits {
        cpu_millis: whole(config.nano_cpus, NANOS_PER_MILLI),
        memory_mb: whole(config.memory, MEGABYTE),
        pids: whole(config.pids_limit, 1),
    }
}

fn life(state: Option<&ContainerState>) -> State {
    use ContainerStateStatusEnum as Status;
    match state.and_then(|state| state.status) {
        Some(Status::CREATED) => State::Created,
        Some(Status::RUNNING | Status::STOPPING) => State::Running,
        Some(Status::PAUSED) => State::Paused,
        Some(Status::RESTARTING) => State::Restarting,
        Some(Status::EXITED) => State::Exited,
        Some(Status::REMOVING | Status::DEAD | Status::EMPTY) | None => State::Removing,
    }
}

fn health(state: Option<&ContainerState>) -> Health {
    let running = life(state) == State::Running;
    let status = state.and_then(|state| state.health.as_ref()?.status).filter(|_| running);
    match status {
        Some(HealthStatusEnum::STARTING) => Health::Starting,
        Some(HealthStatusEnum::HEALTHY) => Health::Healthy,
        Some(HealthStatusEnum::UNHEALTHY) => Health::Unhealthy,
        Some(HealthStatusEnum::EMPTY | HealthStatusEnum::NONE) | None => Health::None,
    }
}

/// Engines show the end of the former life as long as the next one has not begun.
fn has_ended(state: Option<&ContainerState>) -> bool {
    matches!(life(state), State::Exited | State::Restarting)
}

fn exit_code(state: Option<&ContainerState>) -> Option<i64> {
    state.filter(|_| has_ended(state))?.exit_code
}

fn started_at(state: &ContainerState) -> Option<OffsetDateTime> {
    let start = OffsetDateTime::parse(state.started_at.as_deref()?, &Rfc3339).ok()?;
    // The engine's word for "never" is the year 1.
    (start.year() > 1).then_some(start)
}
