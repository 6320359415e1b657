//! The fake's networks.

use super::FakeEngine;
use super::effects::Change;
use super::ledger::Verb;
use super::state::{Labels, State};
use crate::error::ContainerError;
use crate::network_rules;
use crate::observed::Object;
use crate::ownership::owned_by;
use crate::spec::{NetworkRef, NetworkSpec};
use common::cluster::ClusterId;

impl FakeEngine {
    pub(super) async fn make_network(&self, spec: &NetworkSpec) -> Result<(), ContainerError> {
        let exists = self.look("network", |state| check_existing(state, spec)).await??;
        if !exists {
            self.effect(Verb::NetworkCreate, &spec.name, |state| create(state, spec)).await?;
        }
        Ok(())
    }

    pub(super) async fn attach(&self, spec: &NetworkSpec, role: &str) -> Result<(), ContainerError> {
        let missing = self.look("attach", |state| unattached(state, spec, role)).await?;
        if missing.is_none() {
            return Err(ContainerError::NoSharedContainer { role: role.to_owned() });
        }
        for index in missing.into_iter().flatten() {
            let target = format!("{}/{role}", spec.name);
            self.effect(Verb::NetworkAttach, &target, |state| connect(state, index, spec)).await?;
        }
        Ok(())
    }

    pub(super) async fn take_network_down(&self, network: &NetworkRef) -> Result<(), ContainerError> {
        let roles = self.look("network", |state| removable(state, network)).await??;
        let Some(roles) = roles else { return Ok(()) };
        for role in roles {
            let target = format!("{}/{role}", network.name);
            let detach = |state: &mut State| {
                disconnect(state, &network.name, &network.cluster, &role);
                Ok(Change::Made)
            };
            self.effect(Verb::NetworkDetach, &target, detach).await?;
        }
        let remove = |state: &mut State| {
            state.tell(Object::Network, &network.name);
            state.networks.remove(&network.name);
            Ok(Change::Made)
        };
        self.effect(Verb::NetworkRemove, &network.name, remove).await
    }
}

fn check_existing(state: &State, spec: &NetworkSpec) -> Result<bool, ContainerError> {
    let Some(network) = state.networks.get(&spec.name) else {
        return Ok(false);
    };
    network_rules::accept(spec, &network.labels, Some(network.subnet), network.has_exit)?;
    Ok(true)
}

/// Somebody may have been faster since the look: then theirs must do.
fn create(state: &mut State, spec: &NetworkSpec) -> Result<Change, ContainerError> {
    if check_existing(state, spec)? {
        return Ok(Change::Already);
    }
    let mut others = state.networks.values().map(|other| other.subnet);
    if let Some(by) = others.find(|other| network_rules::overlap(*other, spec.subnet)) {
        return Err(network_rules::subnet_taken(spec, Some(by)));
    }
    let labels: Labels = network_rules::labels(spec);
    state.add_network(&spec.name, labels, spec.subnet, spec.has_exit);
    Ok(Change::Made)
}

/// The shared containers of the role that still have to be attached; `None` when there is none of that role at all.
fn unattached(state: &State, spec: &NetworkSpec, role: &str) -> Option<Vec<usize>> {
    let id = state.networks.get(&spec.name).map(|network| network.id);
    let shared = state.shared.iter().enumerate();
    let holders: Vec<_> = shared.filter(|(_, s)| s.cluster == spec.cluster && s.role == role).collect();
    if holders.is_empty() {
        return None;
    }
    let open = holders.iter().filter(|(_, s)| id.is_none_or(|id| !s.attached.contains(&id)));
    Some(open.map(|(index, _)| *index).collect())
}

fn connect(state: &mut State, index: usize, spec: &NetworkSpec) -> Result<Change, ContainerError> {
    let Some(id) = state.networks.get(&spec.name).map(|network| network.id) else {
        return Err(ContainerError::NoNetwork { name: spec.name.clone() });
    };
    if let Some(shared) = state.shared.get_mut(index) {
        shared.attached.insert(id);
    }
    state.tell(Object::Network, &spec.name);
    Ok(Change::Made)
}

fn disconnect(state: &mut State, network: &str, cluster: &ClusterId, role: &str) {
    let Some(id) = state.networks.get(network).map(|network| network.id) else {
        return;
    };
    for shared in state.shared.iter_mut().filter(|s| s.cluster == *cluster && s.role == role) {
        shared.attached.remove(&id);
    }
}

/// The roles to detach first; `None` when there is no such network.
fn removable(state: &State, network: &NetworkRef) -> Result<Option<Vec<String>>, ContainerError> {
    let Some(found) = state.networks.get(&network.name) else {
        return Ok(None);
    };
    if !owned_by(&found.labels, network.tenant, &network.cluster) {
        return Err(network_rules::not_ours(&network.name));
    }
    if state.containers.values().any(|container| container.network_id == Some(found.id)) {
        return Err(network_rules::in_use(&network.name));
    }
    let inside = state.shared.iter().filter(|shared| shared.attached.contains(&found.id));
    let mut roles: Vec<_> = inside.map(|shared| shared.role.clone()).collect();
    roles.dedup();
    Ok(Some(roles))
}
