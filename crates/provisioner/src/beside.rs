//! What stands beside a tenant's database while a copy is tried, or takes its place.

use common::operations::{Context, StepError, TenantRequest};
use n8n::databases::Name;

use crate::{World, store::secrets};

/// Nothing does any more, and no key but the tenant's own is kept.
pub async fn clear(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    context.fenced().await?.databases.remove_beside(&Name::of(context.tenant())).await?;
    let mut transaction = context.begin().await?;
    secrets::forget_other_keys(&mut transaction, context.tenant()).await?;
    Ok(transaction.commit().await?)
}
