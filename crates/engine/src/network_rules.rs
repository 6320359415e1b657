//! What a network found under a name must be like to be taken for the one that is wanted. The same for every engine.

use std::collections::HashMap;

use ipnet::Ipv4Net;

use crate::error::ContainerError;
use crate::ownership::{label, owned_by, owner_labels};
use crate::spec::NetworkSpec;

/// The labels a network is made with.
pub(crate) fn labels(spec: &NetworkSpec) -> HashMap<String, String> {
    let owner = owner_labels(spec.tenant, &spec.cluster).into_iter();
    let generation = (label::GENERATION, spec.generation.to_string());
    owner.chain([generation]).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Whether this is the wanted network. An older generation is: what can differ (what is attached) is made true anyway.
pub(crate) fn accept(
    spec: &NetworkSpec,
    labels: &HashMap<String, String>,
    subnet: Option<Ipv4Net>,
    has_exit: bool,
) -> Result<(), ContainerError> {
    if !owned_by(labels, spec.tenant, &spec.cluster) {
        return Err(not_ours(&spec.name));
    }
    if subnet != Some(spec.subnet) {
        return Err(ContainerError::conflict(&spec.name, "the network has another subnet"));
    }
    if has_exit != spec.has_exit {
        let differs = if has_exit { "the network has an exit" } else { "the network has no exit" };
        return Err(ContainerError::conflict(&spec.name, differs));
    }
    let generation = labels.get(label::GENERATION).and_then(|word| word.parse::<i64>().ok());
    if generation.is_none_or(|there| there > spec.generation) {
        return Err(ContainerError::conflict(&spec.name, "a newer generation is there"));
    }
    Ok(())
}

pub(crate) fn not_ours(name: &str) -> ContainerError {
    ContainerError::conflict(name, "the network belongs to somebody else")
}

pub(crate) fn in_use(name: &str) -> ContainerError {
    ContainerError::conflict(name, "there are tenants' containers in the network")
}

/// `by` is what the engine shows of the other one, which may be nothing.
pub(crate) fn subnet_taken(spec: &NetworkSpec, by: Option<Ipv4Net>) -> ContainerError {
    ContainerError::SubnetTaken { network: spec.name.clone(), subnet: spec.subnet, by }
}

/// Whether the two have an address in common.
pub(crate) fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}
