//! The queue, the database and the role go, and whoever it was in an n8n that it shares.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError};
use n8n::databases::Name;
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{World, workspace};

pub struct RemoveData;

#[async_trait]
impl Step<DeleteTenant> for RemoveData {
    fn name(&self) -> &'static str {
        "data"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        _: &mut Removal,
    ) -> Result<(), StepError> {
        context.observe().is_home_of(context.database(), context.tenant()).await?;
        let tenant = context.tenant();
        let name = Name::of(tenant);
        if let Some(part) = workspace::of(context).await? {
            workspace::remove(context, &part).await?;
        }
        context.fenced().await?.queues.remove(tenant).await?;
        context.fenced().await?.databases.remove_database(&name).await?;
        Ok(context.fenced().await?.databases.remove_role(&name).await?)
    }
}
