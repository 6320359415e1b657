//! Those who follow over a WebSocket. A browser cannot set headers on one; it can name protocols.

use axum::extract::FromRequestParts;
use http::{HeaderValue, header, request::Parts};

use super::Caller;
use crate::{app::App, problem::Problem};

/// The protocol whose successor in the list is a token, and the only one that is answered with.
pub const BEARER: &str = "bearer";

/// Somebody with a valid token, in `Authorization` or offered as `Sec-WebSocket-Protocol: bearer, <token>`.
///
/// No page can do that in another user's name: tokens are sent by scripts that hold them, never by the browser itself.
pub struct SocketCaller(pub Caller);

impl FromRequestParts<App> for SocketCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION)
            && let Some(authorization) = offered(parts)
        {
            parts.headers.insert(header::AUTHORIZATION, authorization);
        }
        Caller::from_request_parts(parts, app).await.map(Self)
    }
}

fn offered(parts: &Parts) -> Option<HeaderValue> {
    let mut protocols =
        parts.headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?.split(',').map(str::trim);
    let token = (protocols.next() == Some(BEARER)).then(|| protocols.next()).flatten()?;
    HeaderValue::from_str(&format!("Bearer {token}")).ok()
}
