//! Before anything goes: what there was.

use async_trait::async_trait;
use common::{
    error::{Classify as _, chain},
    operations::{Context, Step, StepError},
};
use n8n::databases::{DatabaseError, Name};
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{World, store::tenants, workspace};

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
        context.observe().is_home_of(context.database(), context.tenant()).await?;
        let tenant = context.tenant();
        let mut transaction = context.begin().await?;
        tenants::deleting(&mut *transaction, tenant).await?;
        transaction.commit().await?;
        if let Some(part) = workspace::of(context).await? {
            state.final_state = workspace::count(context, &part).await?;
            return Ok(());
        }
        let counted = context.observe().databases.final_state(&Name::of(tenant)).await;
        (state.final_state, state.not_counted) = match counted {
            Ok(counts) => (Some(counts), None),
            // It never came so far, or a part of it was removed by hand.
            Err(DatabaseError::NoDatabase(_)) => (None, None),
            Err(error) if error.kind().is_transient() => return Err(error.into()),
            // Tables of a release that we do not know, say, or some that its owner dropped: no reason to keep them for ever.
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "what the tenant held could not be counted; it is removed all the same"
                );
                (None, Some(error.to_string()))
            }
        };
        Ok(())
    }
}
