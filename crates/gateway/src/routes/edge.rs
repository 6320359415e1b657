//! The edge's own port: its whole configuration, for whoever shows its token.

use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    middleware,
    routing::get,
};
use hmac::{Hmac, KeyInit, Mac};
use http::{StatusCode, header, request::Parts};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::Sha256;

use crate::{
    app::App,
    http::observe::observe,
    problem::{Answered, Code, Problem},
};

/// The edge's port as a service.
pub fn edge(app: &App) -> Router {
    Router::new()
        .route("/edge/traefik.json", get(document))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app.clone())
}

/// Every route there is. When the record does not answer, neither does this: the edge keeps what it has.
async fn document(State(app): State<App>, _edge: Edge) -> Answered<Json<Value>> {
    let routes = edge::routes::all(&app.statements).await?;
    Ok(Json(edge::document(&routes, &app.edge.entrypoints)))
}

/// The edge itself, as its token proves.
struct Edge;

impl FromRequestParts<App> for Edge {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Problem::new(Code::TokenMissing))?.as_bytes();
        let token = value.strip_prefix(b"Bearer ").filter(|_| values.next().is_none());
        let expected = app.edge.token.expose_secret().as_bytes();
        if token.is_some_and(|token| same(token, expected)) {
            Ok(Self)
        } else {
            Err(Problem::new(Code::TokenInvalid))
        }
    }
}

/// Compares codes made of both instead of the texts, so that the time taken says nothing about either, their lengths
/// included.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let code = |text: &[u8]| Hmac::<Sha256>::new_from_slice(expected).map(|mac| mac.chain_update(text));
    match (code(given), code(expected)) {
        (Ok(given), Ok(expected)) => given.verify_slice(&expected.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}
