//! `GET /tenants/{id}/promotions`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::TenantOf,
    problem::Answered,
    store::promotions::{self, Promotion},
};

/// The last fifty, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Promotions {
    data: Vec<Promotion>,
}

/// Lists each time that a tenant was to be moved into an n8n of its own.
#[utoipa::path(
    get, path = "/tenants/{id}/promotions", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain")),
    responses(
        (status = 200, body = Promotions),
    )
)]
pub async fn list_promotions(State(app): State<App>, of: TenantOf) -> Answered<Json<Promotions>> {
    let data = promotions::latest(&app.reader(of.identity().scope()), of.tenant.id).await?;
    Ok(Json(Promotions { data }))
}
