//! How operations find their tenants.

use common::{
    operations::{Context, StepError, TenantRequest},
    tenant::TenantStatus,
};

use crate::{World, store::homes};

/// Whether it finds its tenant as it was promised ([`Context::may_begin`]), and with containers, which one that shares an n8n has none of.
pub async fn may_begin_on_containers<R: TenantRequest>(
    context: &Context<'_, World, R>,
) -> Result<(), StepError> {
    context.may_begin().await?;
    let home = homes::find(context.database(), context.tenant()).await?;
    home.map_or(Ok(()), |home| home.dedicated().map(drop))
}

/// Whether the tenant has this status, as far as this operation is concerned.
pub async fn is(
    context: &Context<'_, World, impl TenantRequest>,
    status: TenantStatus,
) -> Result<bool, StepError> {
    Ok(context.tenant_status().await? == status)
}
