//! The fake's containers.

use super::FakeEngine;
use super::effects::Change;
use super::ledger::Verb;
use super::state::{Container, Labels, State};
use crate::error::ContainerError;
use crate::hash::SpecHash;
use crate::observed::{Object, Observed, State as ContainerState};
use crate::ownership::{Ownership, label, owned_by, owner_labels};
use crate::plan::{self, Demand, Way};
use crate::spec::{ContainerRef, ContainerSpec, Limits, RestartPolicy, secrets_volume};

impl FakeEngine {
    /// Whatever is there, a container of this specification runs afterwards, as far as that is demanded.
    pub(super) async fn bring_up(&self, spec: &ContainerSpec, demand: Demand) -> Result<(), ContainerError> {
        let found = self.look("inspect", |state| state.found(&spec.name, &spec.network)).await?;
        match plan::ensure(spec, found.as_ref(), demand)? {
            Way::Create => self.create(spec).await,
            Way::Replace => {
                self.take_down(&spec.name).await?;
                self.create(spec).await
            }
            Way::Finish => self.finish(spec).await,
            Way::Start => self.start(spec).await,
            Way::Unpause => {
                self.effect(Verb::ContainerUnpause, &spec.name, |state| unpause(state, spec)).await
            }
            Way::Keep => Ok(()),
        }
    }

    pub(super) async fn create(&self, spec: &ContainerSpec) -> Result<(), ContainerError> {
        if !spec.secrets.is_empty() {
            let volume = secrets_volume(&spec.name);
            self.effect(Verb::VolumeCreate, &volume, |state| create_volume(state, spec)).await?;
        }
        self.effect(Verb::ContainerCreate, &spec.name, |state| create_container(state, spec)).await?;
        self.finish(spec).await
    }

    pub(super) async fn finish(&self, spec: &ContainerSpec) -> Result<(), ContainerError> {
        if !spec.secrets.is_empty() {
            self.effect(Verb::SecretsWrite, &spec.name, |_| Ok(Change::Made)).await?;
        }
        self.start(spec).await
    }

    async fn start(&self, spec: &ContainerSpec) -> Result<(), ContainerError> {
        self.effect(Verb::ContainerStart, &spec.name, |state| start(state, spec)).await
    }

    pub(super) async fn set_limits(&self, name: &str, limits: Limits) -> Result<Observed, ContainerError> {
        let gone = || ContainerError::NotFound { object: name.to_owned() };
        let now = self.look("inspect", |state| state.observed(name)).await?.ok_or_else(gone)?;
        if now.limits == limits {
            return Ok(now);
        }
        let change = |state: &mut State| {
            state.change(name, |container| container.limits = limits);
            Ok(Change::Made)
        };
        self.effect(Verb::ContainerResize, name, change).await?;
        self.look("inspect", |state| state.observed(name)).await?.ok_or_else(gone)
    }

    pub(super) async fn begin_anew(&self, name: &str) -> Result<(), ContainerError> {
        let restart = |state: &mut State| {
            state.change(name, begin);
            Ok(Change::Made)
        };
        self.effect(Verb::ContainerRestart, name, restart).await
    }

    /// Removes a container that the caller has checked, and its volume.
    pub(super) async fn take_down(&self, name: &str) -> Result<(), ContainerError> {
        let there = self.look("inspect", |state| state.containers.get(name).map(|c| c.state)).await?;
        if there == Some(ContainerState::Running) {
            let stop = |state: &mut State| {
                state.change(name, |container| {
                    container.state = ContainerState::Exited;
                    container.exit_code = Some(0);
                });
                Ok(Change::Made)
            };
            self.effect(Verb::ContainerStop, name, stop).await?;
        }
        if there.is_some() {
            let remove = |state: &mut State| {
                state.vanish(name);
                Ok(Change::Made)
            };
            self.effect(Verb::ContainerRemove, name, remove).await?;
        }
        let volume = secrets_volume(name);
        if self.look("inspect", |state| state.volumes.contains_key(&volume)).await? {
            let remove = |state: &mut State| {
                state.volumes.remove(&volume);
                Ok(Change::Made)
            };
            self.effect(Verb::VolumeRemove, &volume, remove).await?;
        }
        Ok(())
    }
}

pub(super) fn joinable(state: &State, spec: &ContainerSpec) -> Result<(), ContainerError> {
    let Some(network) = state.networks.get(&spec.network) else {
        return Err(ContainerError::NoNetwork { name: spec.network.clone() });
    };
    if owned_by(&network.labels, spec.owner.tenant, &spec.owner.cluster) {
        return Ok(());
    }
    Err(plan::network_not_ours(spec))
}

pub(super) fn removable(state: &State, reference: &ContainerRef) -> Result<(), ContainerError> {
    if let Some(container) = state.containers.get(&reference.name) {
        plan::touch(reference, Ownership::read(&container.labels).as_ref())?;
    }
    match state.volumes.get(&secrets_volume(&reference.name)) {
        Some(labels) if !owned_by(labels, reference.tenant, &reference.cluster) => {
            Err(plan::volume_not_ours(&reference.name))
        }
        Some(_) | None => Ok(()),
    }
}

fn create_volume(state: &mut State, spec: &ContainerSpec) -> Result<Change, ContainerError> {
    let name = secrets_volume(&spec.name);
    if let Some(labels) = state.volumes.get(&name) {
        let ours = owned_by(labels, spec.owner.tenant, &spec.owner.cluster);
        return if ours { Ok(Change::Already) } else { Err(plan::volume_not_ours(&spec.name)) };
    }
    let labels = owner_labels(spec.owner.tenant, &spec.owner.cluster).into_iter();
    state.volumes.insert(name.clone(), labels.map(|(key, value)| (key.to_owned(), value)).collect());
    state.tell(Object::Volume, &name);
    Ok(Change::Made)
}

fn create_container(state: &mut State, spec: &ContainerSpec) -> Result<Change, ContainerError> {
    if state.missing_images.contains(&spec.image) {
        let image = spec.image.clone();
        return Err(ContainerError::NoImage { image, reason: "pulling is off", source: None });
    }
    if let Some(there) = state.containers.get(&spec.name) {
        if there.hash == Some(SpecHash::of(spec)) {
            return Ok(Change::Already);
        }
        return Err(ContainerError::conflict(
            &spec.name,
            "somebody else made a container of this name meanwhile",
        ));
    }
    let hash = SpecHash::of(spec);
    let ours = spec.owner.labels().into_iter().chain([(label::SPEC, hash.to_string())]);
    let labels: Labels =
        spec.labels.clone().into_iter().chain(ours.map(|(k, v)| (k.to_owned(), v))).collect();
    let container = Container {
        labels,
        spec: Some(spec.clone()),
        hash: Some(hash),
        network_id: state.networks.get(&spec.network).map(|network| network.id),
        state: ContainerState::Created,
        limits: spec.limits,
        address: None,
        started_at: None,
        exit_code: None,
        oom_killed: false,
        restarts: 0,
        hung: false,
    };
    state.containers.insert(spec.name.clone(), container);
    state.tell(Object::Container, &spec.name);
    Ok(Change::Made)
}

fn start(state: &mut State, spec: &ContainerSpec) -> Result<Change, ContainerError> {
    if state.containers.get(&spec.name).is_some_and(|there| there.state == ContainerState::Running) {
        return Ok(Change::Already);
    }
    let address = state.next_address(&spec.network);
    state.change(&spec.name, |container| {
        begin(container);
        container.address = address;
    });
    if spec.restart != RestartPolicy::Never
        && let Some(starts) = &state.starts
    {
        starts(spec);
    }
    Ok(Change::Made)
}

/// A process of its own choosing begins; what the engine counts begins anew.
fn begin(container: &mut Container) {
    container.state = ContainerState::Running;
    container.started_at = Some(common::clock::now());
    container.exit_code = None;
    container.oom_killed = false;
    container.restarts = 0;
    container.hung = false;
}

fn unpause(state: &mut State, spec: &ContainerSpec) -> Result<Change, ContainerError> {
    state.change(&spec.name, |container| container.state = ContainerState::Running);
    Ok(Change::Made)
}
