//! What is kept of a tenant in an n8n that it shared before it had one of its own.

use common::{
    id::PromotionId,
    operations::{Context, StepError, TenantRequest},
};

use super::leave::forget;
use crate::{
    World,
    home::Workspace,
    store::{promotions, rests},
};

/// What the tenant has in n8ns that it shared, and in none of its own.
pub async fn kept(
    context: &Context<'_, World, impl TenantRequest>,
) -> Result<Vec<(PromotionId, Workspace)>, StepError> {
    let cluster = &context.observe().site.cluster;
    let kept = promotions::kept(context.database(), context.tenant()).await?;
    Ok(kept.into_iter().map(|kept| (kept.promotion, kept.lived.in_cluster(cluster.clone()))).collect())
}

/// It is gone, and nothing that was noted of it is of use any more.
pub async fn forget_kept(
    context: &Context<'_, World, impl TenantRequest>,
    promotion: PromotionId,
    part: &Workspace,
) -> Result<(), StepError> {
    forget(context, part).await?;
    let mut transaction = context.begin().await?;
    rests::forget(&mut *transaction, context.tenant()).await?;
    promotions::retired(&mut *transaction, promotion).await?;
    Ok(transaction.commit().await?)
}
