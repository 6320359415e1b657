//! Before anything goes: what there was.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError};
use n8n::databases::{DatabaseError, Name};
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{World, store::tenants};

pub struct FinalState;

#[async_trait]
impl Step<DeleteTenant> for FinalState {
    fn name(&self) -> &'static str {
        "final_state"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        state: &mut Removal,
    ) -> Result<(), StepError> {
        let tenant = context.tenant();
        let mut transaction = context.begin().await?;
        tenants::deleting(&mut *transaction, tenant).await?;
        transaction.commit().await?;
        state.final_state = match context.observe().databases.final_state(&Name::of(tenant)).await {
            Ok(counts) => Some(counts),
            // It never came so far, or a part of it was removed by hand.
            Err(DatabaseError::NoDatabase(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }
}
