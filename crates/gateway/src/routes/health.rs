//! `/healthz` and `/health/detailed`: for probes and status pages, without a token. Which clusters there are is for those alone who see
//! every tenant.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Caller, Role},
    health::{Cluster, External, Report, State as Health},
};

/// As long as a restart of a dependency usually takes.
const RETRY_AFTER: (header::HeaderName, &str) = (header::RETRY_AFTER, "5");

/// Whether the API can be used.
#[derive(Debug, Serialize, ToSchema)]
pub struct Healthz {
    status: Health,
}

/// Whether the API can be used, and everything it stands on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Detailed {
    status: Health,
    dependencies: BTreeMap<String, Health>,
    /// Told to staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    clusters: Option<Vec<Cluster>>,
    /// The n8ns that the platform does not run and tenants share, with what cannot be done with each and why. Told to staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_n8ns: Option<Vec<External>>,
    system: System,
}

/// This process and the clusters.
#[derive(Debug, Serialize, ToSchema)]
pub struct System {
    uptime_seconds: u64,
    clusters: usize,
    /// Clusters that have not said anything for half a minute.
    silent_clusters: usize,
}

/// Whether this gateway can be used.
#[utoipa::path(
    get, path = "/healthz", tag = "health", operation_id = "check",
    responses((status = 200, body = Healthz), (status = 503, body = Healthz))
)]
pub async fn healthz(State(app): State<App>) -> Response {
    let report = app.health.report().await;
    let status = if report.serving() { Health::Up } else { Health::Down };
    answer(status, Healthz { status })
}

/// Everything the platform stands on.
///
/// Needs no token. With one of any role but `owner` each cluster is named, with when it was last heard of.
#[utoipa::path(
    get, path = "/health/detailed", tag = "health",
    security((), ("token" = [])),
    responses((status = 200, body = Detailed), (status = 503, body = Detailed))
)]
pub async fn detailed(State(app): State<App>, caller: Option<Caller>) -> Response {
    let report = app.health.report().await;
    let status = report.state();
    let system = System {
        uptime_seconds: app.started.elapsed().as_secs(),
        clusters: report.clusters.len(),
        silent_clusters: report.silent_clusters(),
    };
    let Report { dependencies, clusters, external_n8ns } = report;
    let staff = caller.is_some_and(|caller| caller.identity().role() != Role::Owner);
    let clusters = staff.then_some(clusters);
    let external_n8ns = (staff && !external_n8ns.is_empty()).then_some(external_n8ns);
    answer(status, Detailed { status, dependencies, clusters, external_n8ns, system })
}

fn answer(status: Health, body: impl Serialize) -> Response {
    match status {
        Health::Down => (StatusCode::SERVICE_UNAVAILABLE, [RETRY_AFTER], Json(body)).into_response(),
        Health::Up | Health::Degraded | Health::Unknown => Json(body).into_response(),
    }
}
