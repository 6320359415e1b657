//! `GET /tenants/{id}/failovers`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::TenantOf,
    problem::Answered,
    store::failovers::{self, Failover},
};

/// The last fifty, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failovers {
    data: Vec<Failover>,
}

/// Lists each time that a tenant was to fall back into a shared n8n, with what did not come along.
#[utoipa::path(
    get, path = "/tenants/{id}/failovers", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain")),
    responses(
        (status = 200, body = Failovers),
    )
)]
pub async fn list_failovers(State(app): State<App>, of: TenantOf) -> Answered<Json<Failovers>> {
    let data = failovers::latest(&app.reader(of.identity().scope()), of.tenant.id).await?;
    Ok(Json(Failovers { data }))
}
