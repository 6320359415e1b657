//! The tenant serves.

use async_trait::async_trait;
use common::{
    operations::{Context, Step, StepError, TenantRequest},
    tenant::TenantStatus,
};
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{World, store::tenants};

pub struct Activate;

#[async_trait]
impl Step<CreateTenant> for Activate {
    fn name(&self) -> &'static str {
        "activate"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        settle(context, TenantStatus::Active).await
    }
}

/// From now on it is so, by this operation.
pub async fn settle(
    context: &Context<'_, World, impl TenantRequest>,
    status: TenantStatus,
) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    tenants::settle(&mut *transaction, context.operation(), status).await?;
    Ok(transaction.commit().await?)
}
