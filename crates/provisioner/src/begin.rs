//! How operations find their tenants.

use common::{
    error::Kind,
    operations::{Context, StepError, TenantRequest},
    tenant::TenantStatus,
};

use crate::{World, create::settle, home::Dedicated, store::homes};

/// Whether it finds its tenant as it was promised ([`Context::may_begin`]), and with containers, which one that shares an n8n has none of.
pub async fn may_begin_on_containers<R: TenantRequest>(
    context: &Context<'_, World, R>,
) -> Result<(), StepError> {
    context.may_begin().await?;
    let home = homes::find(context.database(), context.tenant()).await?;
    home.map_or(Ok(()), |home| home.dedicated().map(drop))
}

/// What changes the whole of a tenant finds it with one side.
pub fn has_one_side(own: &Dedicated) -> Result<(), StepError> {
    own.sides().one_too_many().map_or(Ok(()), |detail| Err(StepError::failed(Kind::Conflict, detail)))
}

/// Whether the tenant has this status, as far as this operation is concerned.
pub async fn is(
    context: &Context<'_, World, impl TenantRequest>,
    status: TenantStatus,
) -> Result<bool, StepError> {
    Ok(context.tenant_status().await? == status)
}

/// How the tenant was before it got the status that it has while this lasts: one that it may begin from.
pub async fn may_begin_before<R: TenantRequest>(
    context: &Context<'_, World, R>,
) -> Result<TenantStatus, StepError> {
    let status = context.tenant_turns().await?;
    if R::KIND.from.contains(&status) {
        return Ok(status);
    }
    Err(StepError::failed(Kind::Conflict, format!("The tenant is {status} by now.")))
}

/// It is as it was before. One that gave it no status leaves it as it is.
pub async fn as_before<S: Sync>(
    context: &Context<'_, World, impl TenantRequest>,
    _: &S,
) -> Result<(), StepError> {
    match context.status_before().await? {
        Some(before) => settle(context, before).await,
        None => Ok(()),
    }
}

/// How the tenant was before it got the status that it has while this lasts.
pub async fn before(context: &Context<'_, World, impl TenantRequest>) -> Result<TenantStatus, StepError> {
    Ok(context.status_before().await?.unwrap_or(TenantStatus::Active))
}
