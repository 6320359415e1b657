//! `GET /tenants/{id}`

use axum::{Json, extract::State};
use common::{id::TenantId, role::Role, tenant::TenantStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::Data;
use crate::{
    app::App,
    auth::{Read, TenantOf},
    backups::BackedUpView,
    problem::Answered,
    store::tenants::Detailed,
    tenants::{ClaimView, InstanceView, LimitsView, MonthUsage, TenantHealth, TenantView},
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
    /// Which n8n it shares, for those who run the platform.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_instance: Option<TenantId>,
    instances: Vec<InstanceView>,
    limits: LimitsView,
    usage: MonthUsage,
    backups: BackedUpView,
    /// The domain of its own that it claims; null without one, and once it has failed or is being removed.
    custom_domain: Option<ClaimView>,
}

impl TenantDetails {
    /// A tenant as a caller of this role sees it.
    pub fn of(detailed: Detailed, caller: Role, app: &App) -> Self {
        let health = TenantHealth::of(&detailed);
        let runs_it = matches!(caller, Role::Admin | Role::Operator);
        let Detailed { tenant, instances, trouble: _, shared, claim, fresh: _, month, backed_up } = detailed;
        let shared_instance = shared.and_then(|shared| shared.instance).filter(|_| runs_it);
        Self {
            status: tenant.status.0,
            health,
            shared_instance: shared_instance.map(TenantId::from_uuid),
            limits: LimitsView::from(&tenant),
            usage: month,
            backups: backed_up.into(),
            custom_domain: claim.and_then(|claim| ClaimView::of(claim, &tenant, &app.public)),
            tenant: TenantView::new(tenant, &app.public),
            instances: instances.into_iter().map(InstanceView::from).collect(),
        }
    }
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
    let role = of.identity().role();
    let data = TenantDetails::of(of.tenant, role, &app);
    Ok(Json(Data { data }))
}
