//! Traefik's port: its whole configuration, and how the relay is.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use edge::EdgeToken;

use crate::relay::{Relay, Report};

/// The port as a service.
pub fn routes(relay: &Relay, token: EdgeToken) -> Router {
    Router::new()
        .route("/edge/traefik.json", get(document))
        .route("/health", get(health))
        .with_state((relay.clone(), token))
}

/// Without a document yet this is an error, and Traefik keeps what it has.
async fn document(State((relay, token)): State<(Relay, EdgeToken)>, headers: HeaderMap) -> Response {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let known =
        shown.next().is_some_and(|value| token.is_shown_by(value.as_bytes())) && shown.next().is_none();
    if !known {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match relay.document() {
        Some(document) => ([(header::CONTENT_TYPE, "application/json")], document).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Names no host, no address and no secret.
async fn health(State((relay, _)): State<(Relay, EdgeToken)>) -> Json<Report> {
    Json(relay.report())
}
