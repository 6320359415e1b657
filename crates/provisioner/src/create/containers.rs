//! The main and its workers.

use std::time::Duration;

use async_trait::async_trait;
use common::operations::{Context, Step, StepError, TenantRequest};
use wire::kinds::TenantCreate;

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

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        ensure_all(context, Renewal::All).await
    }

    async fn undo(&self, context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
        remove_all(context).await
    }
}

/// Which containers are made anew when they have other settings than this release's. The others keep theirs until it is their turn:
/// a release reaches one tenant after the other, whatever is healed meanwhile.
#[derive(Clone, Copy)]
pub enum Renewal<'a> {
    All,
    Only(&'a [String]),
}

impl Renewal<'_> {
    fn reaches(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|renewed| renewed == name),
        }
    }
}

/// Makes every container that the rows ask for run.
pub async fn ensure_all(
    context: &Context<'_, World, impl TenantRequest>,
    renewal: Renewal<'_>,
) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    for spec in blueprint.containers() {
        let engine = &context.fenced().await?.containers;
        if renewal.reaches(&spec.name) {
            engine.ensure_running(&spec).await?;
        } else {
            engine.ensure_alive(&spec).await?;
        }
    }
    Ok(())
}
