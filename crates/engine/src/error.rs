//! How the verbs fail.

use common::error::{Classify, Kind};
use ipnet::Ipv4Net;

/// What lies below one of our errors, without naming the engine's client in our types.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why an engine did not do what was asked. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The specification is impossible; no engine was asked.
    #[error("{object}: {reason}")]
    Invalid { object: String, reason: String },

    /// Something else is there under that name, or somebody newer was there first.
    #[error("{object}: {reason}")]
    Conflict { object: String, reason: String },

    /// Another network has some of the addresses that were asked for: `by` it, as far as the engine shows it.
    #[error("{network}: another network has addresses of {subnet}")]
    SubnetTaken { network: String, subnet: Ipv4Net, by: Option<Ipv4Net> },

    /// The verb needs something that does not exist.
    #[error("{object} does not exist")]
    NotFound { object: String },

    /// The verb needs a container that runs, and this one does not (now).
    #[error("{container} does not run")]
    NotRunning { container: String },

    /// The tenant's network is not there (yet, or any more).
    #[error("network {name} does not exist")]
    NoNetwork { name: String },

    /// No container of this cluster offers itself for this role.
    #[error("no shared container is labelled for the role `{role}`")]
    NoSharedContainer { role: String },

    /// The image is not on the engine, and pulling it is off or failed.
    #[error("image {image} is not on the engine and {reason}")]
    NoImage {
        image: String,
        reason: &'static str,
        #[source]
        source: Option<Cause>,
    },

    /// The engine cannot be talked to.
    #[error("{call}: the container engine cannot be reached")]
    Unreachable {
        call: &'static str,
        #[source]
        source: Cause,
    },

    /// The engine did not answer in time, or a container did not end in time.
    #[error("{call}: not done after {after_ms} ms")]
    Timeout { call: &'static str, after_ms: u128 },

    /// The engine says that the request is wrong.
    #[error("{call}: the container engine refused the request ({status})")]
    Refused {
        call: &'static str,
        status: u16,
        #[source]
        source: Cause,
    },

    /// The engine failed, or answered what cannot be understood.
    #[error("{call}: the container engine failed")]
    Engine {
        call: &'static str,
        #[source]
        source: Cause,
    },

    /// The engine accepted limits and then shows others.
    #[error("{container}: limits read back differ: {detail}")]
    LimitsDiffer { container: String, detail: String },
}

impl ContainerError {
    pub(crate) fn invalid(object: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { object: object.into(), reason: reason.into() }
    }

    pub(crate) fn conflict(object: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Conflict { object: object.into(), reason: reason.into() }
    }
}

impl Classify for ContainerError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoImage { .. } => {
                Some("Put the image onto the engine, or let the provisioner pull it (PULL_IMAGES=on).")
            }
            Self::NoSharedContainer { .. } => {
                Some("Start the shared containers of this cluster: edge, Postgres and Redis carry its label.")
            }
            Self::Unreachable { .. } => Some("Start the container engine, or look at DOCKER_HOST."),
            Self::SubnetTaken { .. } => {
                Some("Remove the other network, or give tenants another range (TENANT_SUBNETS).")
            }
            Self::LimitsDiffer { .. } => Some("Look at what the engine can limit: docker info warns of it."),
            Self::Invalid { .. }
            | Self::Conflict { .. }
            | Self::NotFound { .. }
            | Self::NotRunning { .. }
            | Self::NoNetwork { .. }
            | Self::Timeout { .. }
            | Self::Refused { .. }
            | Self::Engine { .. } => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Invalid { .. } => Kind::Invalid,
            Self::Conflict { .. } | Self::SubnetTaken { .. } => Kind::Conflict,
            Self::NotFound { .. } => Kind::NotFound,
            Self::NoNetwork { .. }
            | Self::NotRunning { .. }
            | Self::NoSharedContainer { .. }
            | Self::Unreachable { .. } => Kind::Unavailable,
            Self::Timeout { .. } => Kind::Timeout,
            Self::NoImage { .. } | Self::Engine { .. } | Self::LimitsDiffer { .. } => Kind::Upstream,
            // Somebody else changed the object between our looking and our acting.
            Self::Refused { status: 404 | 409, .. } => Kind::Conflict,
            // Checked specifications are never refused, so this is a mistake of ours and a person has to look.
            Self::Refused { .. } => Kind::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_pages_somebody_unless_it_was_a_race() {
        let refused = |status| ContainerError::Refused { call: "x", status, source: "y".into() };
        assert_eq!(refused(400).kind(), Kind::Internal);
        assert_eq!(refused(409).kind(), Kind::Conflict);
    }

    #[test]
    fn the_cause_is_kept_and_not_repeated() {
        let error = ContainerError::Engine { call: "ping", source: "inner".into() };
        assert_eq!(error.to_string(), "ping: the container engine failed");
        assert_eq!(common::error::chain(&error), "ping: the container engine failed: inner");
    }
}
