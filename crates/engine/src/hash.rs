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
    launch: u32,
    settings: &'a str,
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
            launch,
            settings,
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
        let secrets =
            secrets.iter().map(|s| (s.path.as_str(), digest(s.content.expose_secret().as_bytes()), s.mode));
        let canonical = Canonical {
            recipe: RECIPE,
            name,
            owner,
            image,
            command,
            env,
            launch: *launch,
            settings,
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
    pub fn read(label: &str) -> Self {
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

#[cfg(test)]
mod tests {
    use common::tenant::Color;

    use super::*;
    use crate::ownership::Role;
    use crate::spec::{Limits, SecretFile};

    fn spec() -> ContainerSpec {
        ContainerSpec {
            name: "acme-main".into(),
            owner: Ownership {
                tenant: None,
                role: Role::Main,
                color: Color::Blue,
                generation: 1,
                cluster: "local".parse().unwrap(),
            },
            image: "n8nio/n8n:2.41.1".into(),
            command: vec![],
            env: BTreeMap::new(),
            launch: 1,
            settings: String::new(),
            labels: BTreeMap::new(),
            network: "acme".into(),
            aliases: vec![],
            limits: Limits { cpu_millis: 500, memory_mb: 512, pids: 256 },
            health: None,
            restart: RestartPolicy::Never,
            stop_timeout: Duration::from_secs(30),
            tmpfs: vec![],
            secrets: vec![SecretFile { path: "/run/secrets/key".into(), content: "k".into(), mode: 0o400 }],
        }
    }

    #[test]
    fn limits_do_not_change_what_a_container_is() {
        let limits = Limits { cpu_millis: 1, memory_mb: 1, pids: 1 };
        assert_eq!(SpecHash::of(&spec()), SpecHash::of(&ContainerSpec { limits, ..spec() }));
    }

    #[test]
    fn everything_else_does_secrets_included() {
        let changes: [fn(&mut ContainerSpec); 8] = [
            |s| s.owner.generation = 2,
            |s| s.image.push('x'),
            |s| s.command.push("worker".into()),
            |s| drop(s.env.insert("A".into(), "b".into())),
            |s| s.aliases.push("n8n".into()),
            |s| s.restart = RestartPolicy::OnFailure(1),
            |s| s.tmpfs.push(Tmpfs { path: "/tmp".into(), size_mb: 1 }),
            |s| s.secrets.iter_mut().for_each(|file| file.content = "other".into()),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut changed = spec();
            change(&mut changed);
            assert_ne!(SpecHash::of(&spec()), SpecHash::of(&changed), "change {index}");
        }
    }
}
