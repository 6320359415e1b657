//! How backends are asked: in time, without redirections, which would take a token elsewhere, and without proxies.

use std::time::Duration;

use reqwest::{Certificate, Client, RequestBuilder, StatusCode, redirect};
use serde::de::DeserializeOwned;

use super::BackendError;
use crate::config::Env;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// All of a service's secrets are some kilobytes.
const MOST_BYTES: usize = 1024 * 1024;

/// A client that trusts these authorities alone, if there are any.
pub fn client(authorities: Option<Vec<Certificate>>) -> Result<Client, BackendError> {
    let client = Client::builder().connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN).no_proxy();
    let client = client.redirect(redirect::Policy::none());
    let client = match authorities {
        Some(authorities) => client.tls_certs_only(authorities),
        None => client,
    };
    client.build().map_err(BackendError::Client)
}

/// The authorities in the file that this variable names.
pub fn authorities(env: &mut Env, name: &str) -> Option<Option<Vec<Certificate>>> {
    let Some(path) = env.optional::<std::path::PathBuf>(name)? else { return Some(None) };
    let read = std::fs::read(path).ok().and_then(|text| Certificate::from_pem_bundle(&text).ok());
    match read {
        Some(authorities) if !authorities.is_empty() => Some(Some(authorities)),
        _ => env.problem(format!("the file that {name} names has no certificates")),
    }
}

/// Asks once, and reads the answer. `what` says what for, in an error.
pub async fn ask<T: DeserializeOwned>(
    what: &'static str,
    request: RequestBuilder,
) -> Result<T, BackendError> {
    let away = |error: reqwest::Error| BackendError::Away(error.without_url());
    let mut answer = request.send().await.map_err(away)?;
    let status = answer.status();
    match status {
        StatusCode::OK => {}
        // 400 is how a login with a wrong secret ends.
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(BackendError::Refused { what, status: status.as_u16() });
        }
        StatusCode::NOT_FOUND => return Err(BackendError::Missing { what }),
        _ => return Err(BackendError::Failed { what, status: status.as_u16() }),
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(away)? {
        body.extend_from_slice(&part);
        if body.len() > MOST_BYTES {
            return Err(BackendError::Unreadable { what });
        }
    }
    // Without the cause, which would repeat parts of the answer.
    serde_json::from_slice(&body).map_err(|_| BackendError::Unreadable { what })
}
