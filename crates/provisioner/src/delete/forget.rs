//! The row stays, for the record; everything secret or reserved in it goes.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError};
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{
    World,
    store::{instances, restores, rests, secrets, tenants, troubles},
    workspace,
};

pub struct Forget;

#[async_trait]
impl Step<DeleteTenant> for Forget {
    fn name(&self) -> &'static str {
        "forget"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        _: &mut Removal,
    ) -> Result<(), StepError> {
        let tenant = context.tenant();
        if let Some(part) = workspace::of(context).await? {
            workspace::forget(context, &part).await?;
        }
        for (promotion, part) in workspace::kept(context).await? {
            workspace::forget_kept(context, promotion, &part).await?;
        }
        let mut transaction = context.begin().await?;
        rests::forget(&mut *transaction, tenant).await?;
        instances::remove_all(&mut *transaction, tenant).await?;
        secrets::remove_all(&mut *transaction, tenant).await?;
        restores::forget(&mut *transaction, tenant).await?;
        troubles::clear(&mut *transaction, tenant).await?;
        tenants::deleted(&mut *transaction, tenant).await?;
        Ok(transaction.commit().await?)
    }
}
