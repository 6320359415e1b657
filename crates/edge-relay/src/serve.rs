//! Traefik's port: its whole configuration, and how the relay is.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use edge::EdgeToken;

use crate::relay::{Document, Relay, Report};

/// So long whoever has the newest document waits for the next one: less than Traefik waits for an answer (`pollTimeout`), and what only time
/// changes is told as late at most.
const HOLD: Duration = Duration::from_secs(1);

/// The port as a service.
pub fn routes(relay: &Relay, token: EdgeToken) -> Router {
    Router::new().route("/edge/traefik.json", get(document)).route("/health", get(health)).with_state(Port {
        relay: relay.clone(),
        token,
        last: Arc::default(),
    })
}

#[derive(Clone)]
struct Port {
    relay: Relay,
    token: EdgeToken,
    last: Arc<Mutex<Option<Told>>>,
}

/// What was answered last, and on which connection. Whoever asks there again has read that answer; whoever comes on another one, as after its own
/// restart, has nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    to: SocketAddr,
    version: u64,
}

impl Port {
    /// The document, at once for whoever may not have this one.
    async fn next(&self, to: SocketAddr) -> Option<Document> {
        let last = *self.last();
        if let Some(Told { version, .. }) = last.filter(|last| last.to == to) {
            let _ = tokio::time::timeout(HOLD, self.relay.changed_since(version)).await;
        }
        let document = self.relay.document()?;
        *self.last() = Some(Told { to, version: document.version });
        Some(document)
    }

    fn last(&self) -> MutexGuard<'_, Option<Told>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without a document yet this is an error, and Traefik keeps what it has.
async fn document(
    State(port): State<Port>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let known =
        shown.next().is_some_and(|value| port.token.is_shown_by(value.as_bytes())) && shown.next().is_none();
    if !known {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match port.next(from).await {
        Some(document) => ([(header::CONTENT_TYPE, "application/json")], document.text).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Names no host, no address and no secret.
async fn health(State(port): State<Port>) -> Json<Report> {
    Json(port.relay.report())
}

#[cfg(test)]
mod tests;
