//! `/metrics`: the operators' port has the same without a token; here it is for whoever reaches only the API.

use axum::{extract::State, response::IntoResponse};
use http::header;

use crate::{
    app::App,
    auth::{Access, Caller, Role},
};

pub enum ReadMetrics {}

impl Access for ReadMetrics {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];
}

/// This gateway's metrics, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    security(("token" = ["admin", "operator", "service"])),
    responses(
        (status = 200, body = String, content_type = "text/plain; version=0.0.4"),
    )
)]
pub async fn metrics(State(app): State<App>, _caller: Caller<ReadMetrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.render_metrics)())
}
