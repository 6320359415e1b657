//! Whether an operation finds its tenant as it was promised. Something before it may have been called off, or have failed, since it was accepted.

use common::{
    error::Kind,
    operations::{Context, StepError, TenantRequest},
    tenant::TenantStatus,
};

use crate::{
    World,
    store::{homes, tenants},
};

/// Fails for good, before anything is done, unless the tenant has a status that such an operation begins from.
pub async fn may_begin<R: TenantRequest>(context: &Context<'_, World, R>) -> Result<(), StepError> {
    let status = tenants::status_for(context.database(), context.operation()).await?;
    if R::KIND.from.contains(&status) {
        return Ok(());
    }
    let from: Vec<_> = R::KIND.from.iter().map(|status| status.as_str()).collect();
    let detail = format!("The tenant is {status} by now; this is done to one that is {}.", from.join(" or "));
    Err(StepError::failed(Kind::Conflict, detail))
}

/// The same for what is done to containers, which a tenant that shares an n8n has none of.
pub async fn may_begin_on_containers<R: TenantRequest>(
    context: &Context<'_, World, R>,
) -> Result<(), StepError> {
    may_begin(context).await?;
    let home = homes::find(context.database(), context.tenant()).await?;
    home.map_or(Ok(()), |home| home.dedicated().map(drop))
}

/// Whether the tenant has this status, as far as this operation is concerned.
pub async fn is(
    context: &Context<'_, World, impl TenantRequest>,
    status: TenantStatus,
) -> Result<bool, StepError> {
    Ok(tenants::status_for(context.database(), context.operation()).await? == status)
}
