//! Every route of the API. Each is described where it is written; the description at `/openapi.json` is made of the
//! same list as the router, so neither knows a route that the other does not.

pub mod edge;
mod health;
mod metrics;
mod openapi;
mod operations;
mod tenants;

use axum::{Router, middleware};
use http::StatusCode;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, http::observe::observe};

/// The API as a service, and as a description.
pub fn api(app: &App) -> (Router, OpenApi) {
    let (router, description) = OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(tenants::create::create, tenants::list::list))
        .routes(routes!(tenants::show::show, tenants::delete::delete))
        .routes(routes!(tenants::initial_login::initial_login))
        .routes(routes!(operations::show))
        .routes(routes!(health::healthz))
        .routes(routes!(health::detailed))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::describe))
        .split_for_parts();
    let document = openapi::Document::of(&description);
    let router = router
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(axum::Extension(document))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app.clone());
    (router, description)
}
