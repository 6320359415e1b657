//! One call to the engine: its timeout, and what its failure means.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error as Fault;

use super::{Docker, DockerOptions, tls};
use crate::error::{Cause, ContainerError};

/// The client's own limit, longer than any of ours: ours decide.
const CLIENT_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

pub(super) fn client(host: &str, options: &DockerOptions) -> Result<bollard::Docker, ContainerError> {
    let client = match door(host, options.certificates.as_deref())? {
        Door::Socket => bollard::Docker::connect_with_unix(host, CLIENT_TIMEOUT_SECONDS, API_DEFAULT_VERSION),
        Door::Tls { authority, certificates } => {
            let transport = tls::transport(certificates)?;
            let address = format!("https://{authority}");
            bollard::Docker::connect_with_custom_transport(
                transport,
                Some(address),
                CLIENT_TIMEOUT_SECONDS,
                API_DEFAULT_VERSION,
            )
        }
    };
    client.map_err(|fault| explain("connect", fault))
}

/// How an engine may be reached.
#[derive(Debug, PartialEq, Eq)]
enum Door<'a> {
    Socket,
    Tls { authority: &'a str, certificates: &'a Path },
}

/// Whoever reaches an engine is root on its machine. A socket has an owner; on a network, only a certificate tells us from everybody else.
fn door<'a>(host: &'a str, certificates: Option<&'a Path>) -> Result<Door<'a>, ContainerError> {
    if host.starts_with("unix://") {
        return Ok(Door::Socket);
    }
    let Some(authority) = host.strip_prefix("tcp://").or_else(|| host.strip_prefix("https://")) else {
        let plain = "an engine is at unix://, or at tcp:// over TLS; plain http:// lets everybody on the network be root there";
        return Err(ContainerError::invalid(host, plain));
    };
    let Some(certificates) = certificates else {
        let plain = "an engine on the network is reached over TLS with a client's certificate only: DOCKER_CERT_PATH names the folder \
                     with ca.pem, cert.pem and key.pem";
        return Err(ContainerError::invalid(host, plain));
    };
    Ok(Door::Tls { authority: authority.trim_end_matches('/'), certificates })
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
        | ContainerError::NotRunning { .. }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_on_the_network_is_not_reached_without_a_certificate() {
        assert_eq!(door("unix:///var/run/docker.sock", None).unwrap(), Door::Socket);
        for host in ["tcp://10.0.0.1:2375", "https://10.0.0.1:2376"] {
            let refused = door(host, None).unwrap_err().to_string();
            assert!(refused.contains("DOCKER_CERT_PATH"), "{refused}");
        }
        for host in ["http://10.0.0.1:2375", "10.0.0.1:2375", "ssh://host", ""] {
            assert!(door(host, Some(Path::new("/"))).is_err(), "{host}");
        }
    }
}
