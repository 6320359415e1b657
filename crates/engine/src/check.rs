//! What a specification has to satisfy before any engine sees it. Both implementations ask here first.

use std::collections::HashSet;

use ipnet::Ipv4Net;

use crate::error::ContainerError;
use crate::ownership::label;
use crate::spec::{ContainerSpec, Limits, NetworkSpec, SECRETS_DIR, SECRETS_SUFFIX, SecretFile, Tmpfs};

/// Engines refuse less than this with words of their own.
const LEAST_MEMORY_MB: u32 = 6;

/// A bridge needs the network's, the gateway's and the broadcast address, and room for the shared containers.
const LONGEST_PREFIX: u8 = 29;

/// Names with which an engine means something else than a network of its own.
const SPECIAL_NETWORKS: &[&str] = &["host", "none", "bridge", "default", "ingress"];

pub(crate) fn network(spec: &NetworkSpec) -> Result<(), ContainerError> {
    name(&spec.name)?;
    subnet(&spec.name, spec.subnet)?;
    if SPECIAL_NETWORKS.contains(&spec.name.as_str()) {
        return Err(ContainerError::invalid(&spec.name, "the name means a built-in network"));
    }
    spec.attach.iter().try_for_each(|role| name(role))
}

pub(crate) fn container(spec: &ContainerSpec) -> Result<(), ContainerError> {
    let refuse = |reason: &str| Err(ContainerError::invalid(&spec.name, reason));
    name(&spec.name)?;
    name(&spec.network)?;
    spec.aliases.iter().try_for_each(|alias| name(alias))?;
    if spec.name.ends_with(SECRETS_SUFFIX) {
        return refuse("the name ends like that of a volume with secrets");
    }
    if SPECIAL_NETWORKS.contains(&spec.network.as_str()) {
        return refuse("tenants' containers join tenants' networks only");
    }
    if !plain_image(&spec.image) {
        return refuse("the image's name is malformed");
    }
    if spec.labels.keys().any(|key| key.starts_with(label::PREFIX)) {
        return refuse("labels that say whose it is come from its owner");
    }
    if spec.env.keys().any(|key| key.is_empty() || key.contains(['=', '\0'])) {
        return refuse("a variable's name is malformed");
    }
    if spec.health.as_ref().is_some_and(|check| check.argv.is_empty() || check.retries == 0) {
        return refuse("a health check needs a command and at least one try");
    }
    limits(&spec.name, spec.limits)?;
    spec.tmpfs.iter().try_for_each(|mount| tmpfs(&spec.name, mount))?;
    secrets(&spec.name, &spec.secrets)
}

pub(crate) fn limits(container: &str, limits: Limits) -> Result<(), ContainerError> {
    if limits.cpu_millis < 10 || limits.memory_mb < LEAST_MEMORY_MB || limits.pids == 0 {
        return Err(ContainerError::invalid(
            container,
            "limits need 10 millicores, 6 MB and one process at least",
        ));
    }
    Ok(())
}

fn name(name: &str) -> Result<(), ContainerError> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if first && rest && name.len() <= 128 {
        return Ok(());
    }
    Err(ContainerError::invalid(
        name,
        "a name has letters, digits, `-`, `_`, `.` and begins with one of the first two",
    ))
}

fn subnet(network: &str, subnet: Ipv4Net) -> Result<(), ContainerError> {
    if !subnet.network().is_private() || subnet.trunc() != subnet || subnet.prefix_len() > LONGEST_PREFIX {
        let reason =
            "the subnet must be private, begin at its own network address and hold at least eight addresses";
        return Err(ContainerError::invalid(network, reason));
    }
    Ok(())
}

fn tmpfs(container: &str, mount: &Tmpfs) -> Result<(), ContainerError> {
    let plain = plain_path(&mount.path) && mount.path != "/";
    if plain && mount.size_mb > 0 && !mount.path.starts_with(SECRETS_DIR) {
        return Ok(());
    }
    Err(ContainerError::invalid(
        container,
        "a directory in memory needs an absolute path, a size, and is no place of secrets",
    ))
}

fn secrets(container: &str, files: &[SecretFile]) -> Result<(), ContainerError> {
    let mut seen = HashSet::new();
    for file in files {
        let inside = file.path.strip_prefix(SECRETS_DIR).and_then(|rest| rest.strip_prefix('/'));
        let plain =
            inside.is_some_and(|leaf| !leaf.is_empty() && !leaf.contains('/')) && plain_path(&file.path);
        if !plain || file.mode & !0o777 != 0 {
            return Err(ContainerError::invalid(
                container,
                "a secret is a plain file directly in /run/secrets",
            ));
        }
        if !seen.insert(&file.path) {
            return Err(ContainerError::invalid(container, "two secrets want the same file"));
        }
    }
    Ok(())
}

/// Absolute, and the same path however it is read. Commas and colons would end it in an engine's mount options.
fn plain_path(path: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains([',', ':', '\0']);
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain))
}

/// It becomes part of a request's path.
fn plain_image(image: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':' | b'@');
    image.starts_with(|c: char| c.is_ascii_alphanumeric())
        && image.bytes().all(plain)
        && !image.contains("..")
}

#[cfg(test)]
mod tests;
