//! The main and its workers.

use std::time::Duration;

use async_trait::async_trait;
use common::operations::{Context, Step, StepError};

use super::{CreateTenant, Nothing};
use crate::{World, delete::remove_all};

pub struct Containers;

#[async_trait]
impl Step<CreateTenant> for Containers {
    fn name(&self) -> &'static str {
        "containers"
    }

    /// An engine may have to fetch the image first, which alone may take ten minutes.
    fn limit(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }

    async fn run(&self, context: &Context<'_, World>, _: &mut Nothing) -> Result<(), StepError> {
        ensure_all(context).await
    }

    async fn undo(&self, context: &Context<'_, World>, _: &Nothing) -> Result<(), StepError> {
        remove_all(context).await
    }
}

/// Makes every container that the rows ask for run.
pub async fn ensure_all(context: &Context<'_, World>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    for spec in blueprint.containers() {
        context.fenced().await?.containers.ensure_running(&spec).await?;
    }
    Ok(())
}
