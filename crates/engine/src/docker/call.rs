//! One call to the engine: its timeout, and what its failure means.

use std::future::Future;
use std::time::Duration;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error as Fault;

use super::Docker;
use crate::error::{Cause, ContainerError};

/// The client's own limit, longer than any of ours: ours decide.
const CLIENT_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

pub(super) fn client(host: &str) -> Result<bollard::Docker, ContainerError> {
    let client = if host.starts_with("unix://") {
        bollard::Docker::connect_with_unix(host, CLIENT_TIMEOUT_SECONDS, API_DEFAULT_VERSION)
    } else if host.starts_with("tcp://") || host.starts_with("http://") {
        bollard::Docker::connect_with_http(host, CLIENT_TIMEOUT_SECONDS, API_DEFAULT_VERSION)
    } else {
        return Err(ContainerError::invalid(host, "an engine is at unix://, tcp:// or http://"));
    };
    client.map_err(|fault| explain("connect", fault))
}

impl Docker {
    /// Waits for one answer as long as calls may take.
    pub(super) async fn call<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, ContainerError> {
        self.call_within(self.options.call_timeout, call, answer).await
    }

    /// Waits for one answer this long.
    pub(super) async fn call_within<T>(
        &self,
        limit: Duration,
        call: &'static str,
        answer: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, ContainerError> {
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.map_err(|fault| explain(call, fault)),
            Err(_) => Err(ContainerError::Timeout { call, after_ms: limit.as_millis() }),
        }
    }
}

/// What is asked for may be absent.
pub(super) fn if_found<T>(answer: Result<T, ContainerError>) -> Result<Option<T>, ContainerError> {
    match answer {
        Err(error) if status(&error) == Some(404) => Ok(None),
        other => other.map(Some),
    }
}

/// The status with which the engine refused.
pub(super) fn status(error: &ContainerError) -> Option<u16> {
    if let ContainerError::Refused { status, .. } = error { Some(*status) } else { None }
}

/// Whether the engine refused with words that contain this. Only where it has no status of its own for a case.
pub(super) fn says(error: &ContainerError, words: &str) -> bool {
    match error {
        ContainerError::Refused { source, .. } | ContainerError::Engine { source, .. } => {
            source.to_string().contains(words)
        }
        ContainerError::Invalid { .. }
        | ContainerError::Conflict { .. }
        | ContainerError::SubnetTaken { .. }
        | ContainerError::NotFound { .. }
        | ContainerError::NoNetwork { .. }
        | ContainerError::NoSharedContainer { .. }
        | ContainerError::NoImage { .. }
        | ContainerError::Unreachable { .. }
        | ContainerError::Timeout { .. }
        | ContainerError::LimitsDiffer { .. } => false,
    }
}

pub(super) fn explain(call: &'static str, fault: Fault) -> ContainerError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a dozen sorts of malformed answers, all the same to us"
    )]
    match fault {
        Fault::DockerResponseServerError { status_code, .. } if (400..500).contains(&status_code) => {
            ContainerError::Refused { call, status: status_code, source: Box::new(fault) }
        }
        Fault::IOError { .. }
        | Fault::HyperResponseError { .. }
        | Fault::HyperLegacyError { .. }
        | Fault::SocketNotFoundError(_) => ContainerError::Unreachable { call, source: Box::new(fault) },
        Fault::RequestTimeoutError => {
            let after_ms = Duration::from_secs(CLIENT_TIMEOUT_SECONDS).as_millis();
            ContainerError::Timeout { call, after_ms }
        }
        _ => ContainerError::Engine { call, source: Box::new(fault) },
    }
}

/// An answer that lacks what every engine says.
pub(super) fn malformed(call: &'static str, what: &'static str) -> ContainerError {
    let source: Cause = format!("the answer lacks {what}").into();
    ContainerError::Engine { call, source }
}
