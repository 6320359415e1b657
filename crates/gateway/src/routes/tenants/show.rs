//! `GET /tenants/{id}`

use axum::{Json, extract::State};
use common::tenant::TenantStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::Data;
use crate::{
    app::App,
    auth::{Read, TenantOf},
    problem::Answered,
    store::tenants::Detailed,
    tenants::{InstanceView, LimitsView, TenantHealth, TenantView},
    vocabulary,
};

/// A tenant, what runs for it and what it may use.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantDetails {
    #[schema(value_type = vocabulary::TenantStatus)]
    status: TenantStatus,
    /// How it is; null for a tenant that should not be running.
    health: Option<TenantHealth>,
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
pub async fn show(
    State(app): State<App>,
    of: TenantOf<Read, Detailed>,
) -> Answered<Json<Data<TenantDetails>>> {
    let health = TenantHealth::of(&of.tenant);
    let Detailed { tenant, instances, trouble: _, answers: _ } = of.tenant;
    let data = TenantDetails {
        status: tenant.status.0,
        health,
        limits: LimitsView::from(&tenant),
        tenant: TenantView::new(tenant, &app.public),
        instances: instances.into_iter().map(InstanceView::from).collect(),
    };
    Ok(Json(Data { data }))
}
