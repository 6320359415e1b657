//! `GET /tenants/{id}`

use axum::{Json, extract::State};
use common::tenant::TenantStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::Data;
use crate::{
    app::App,
    auth::TenantOf,
    problem::Answered,
    store::tenants::instances,
    tenants::{InstanceView, LimitsView, TenantView},
};

/// A tenant, what runs for it and what it may use.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantDetails {
    #[schema(value_type = String, example = "active")]
    status: TenantStatus,
    tenant: TenantView,
    instances: Vec<InstanceView>,
    limits: LimitsView,
}

/// Shows one tenant.
#[utoipa::path(
    get, path = "/tenants/{id}", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain")),
    responses(
        (status = 200, body = Data<TenantDetails>),
    )
)]
pub async fn show(State(app): State<App>, of: TenantOf) -> Answered<Json<Data<TenantDetails>>> {
    let instances = instances(&app.reader(of.identity().scope()), &of.tenant).await?;
    let data = TenantDetails {
        status: of.tenant.status.0,
        tenant: TenantView::new(&of.tenant, &app.public),
        instances: instances.into_iter().map(InstanceView::from).collect(),
        limits: LimitsView::from(&of.tenant),
    };
    Ok(Json(Data { data }))
}
