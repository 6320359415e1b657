//! The edge's own port: every route there is, for whoever shows the edge's token.

use axum::{
    Router,
    extract::{FromRequestParts, Query, State},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    http::observe::observe,
    problem::{Answered, Code, Problem},
};

/// The edge's port as a service.
pub fn edge(app: &App) -> Router {
    Router::new()
        .route("/edge/routes.json", get(routes))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(app.observer.clone(), observe))
        .with_state(app.clone())
}

/// What is asked for beside the token.
#[derive(Deserialize)]
struct Asked {
    /// The cluster whose edge this is: a host is known where its tenant lives, and nowhere else.
    cluster: Option<String>,
}

/// Every route there is, or those of one cluster, and of which record. When the record does not answer, neither does this: the edge keeps
/// what it has.
async fn routes(
    State(app): State<App>,
    _edge: Edge,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answered<Response> {
    let mut snapshot = edge::routes::snapshot(&app.statements, asked.cluster.as_deref(), &app.public).await?;
    snapshot.left = edge::routes::left(&app.statements).await?;
    let body = serde_json::to_vec(&snapshot).map_err(|_| Problem::new(Code::Internal))?;
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(&body)));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let named = [(header::ETAG, tag), (header::CONTENT_TYPE, "application/json".to_owned())];
    Ok(if known { (StatusCode::NOT_MODIFIED, named).into_response() } else { (named, body).into_response() })
}

/// The edge itself, as its token proves.
struct Edge;

impl FromRequestParts<App> for Edge {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Problem::new(Code::TokenMissing))?;
        if values.next().is_none() && app.edge_token.is_shown_by(value.as_bytes()) {
            Ok(Self)
        } else {
            Err(Problem::new(Code::TokenInvalid))
        }
    }
}
