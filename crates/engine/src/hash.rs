//! The identity of a specification: two containers of the same hash are interchangeable.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::ownership::Ownership;
use crate::spec::{ContainerSpec, HealthCheck, RestartPolicy, Tmpfs};

/// Raised when the engine itself makes containers differently (other hardening, say), so that they are all renewed.
const RECIPE: u32 = 1;

/// SHA-256 over everything in a specification but its limits, secrets included.
///
/// Limits are left out because they change on a running container and its labels cannot: a resized container would look
/// like a stranger for the rest of its life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpecHash(String);

/// The fields, spelled out again, so that a new one has to be thought about here.
#[derive(Serialize)]
struct Canonical<'a> {
    recipe: u32,
    name: &'a str,
    owner: &'a Ownership,
    image: &'a str,
    command: &'a [String],
    env: &'a BTreeMap<String, String>,
    labels: &'a BTreeMap<String, String>,
    network: &'a str,
    aliases: &'a [String],
    health: &'a Option<HealthCheck>,
    restart: RestartPolicy,
    stop_timeout: Duration,
    tmpfs: &'a [Tmpfs],
    secrets: Vec<(&'a str, String, u32)>,
}

impl SpecHash {
    /// The hash of a specification.
    pub fn of(spec: &ContainerSpec) -> Self {
        let ContainerSpec {
            name,
            owner,
            image,
            command,
            env,
            labels,
            network,
            aliases,
            limits: _,
            health,
            restart,
            stop_timeout,
            tmpfs,
            secrets,
        } = spec;
        let secrets = secrets.iter().map(|s| {
            (
                s.path.as_str(),
                digest(s.content.expose_secret().as_bytes()),
                s.mode,
            )
        });
        let canonical = Canonical {
            recipe: RECIPE,
            name,
            owner,
            image,
            command,
            env,
            labels,
            network,
            aliases,
            health,
            restart: *restart,
            stop_timeout: *stop_timeout,
            tmpfs,
            secrets: secrets.collect(),
        };
        // Strings, numbers and sorted maps with string keys: writing them cannot fail.
        Self(digest(&serde_json::to_vec(&canonical).unwrap_or_default()))
    }

    /// The hash that a label holds.
    pub(crate) fn read(label: &str) -> Self {
        Self(label.to_owned())
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpecHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
