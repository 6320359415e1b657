//! The queue, the database and the role go, and whoever it was in an n8n that it shares.

use std::time::Duration;

use async_trait::async_trait;
use backon::{ConstantBuilder, Retryable as _};
use common::{
    bus::BusError,
    error::{Classify as _, chain},
    id::TenantId,
    operations::{Context, Step, StepError, TenantRequest},
    tenant::Purpose,
};
use metrics::{counter, describe_counter};
use n8n::databases::Name;
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{World, store::tenants, workspace};

/// A collector that is away longer costs the last minute of what the tenant ran, and not the removal.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(2);

const LOST: &str = "rp9_usage_lost_total";

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
        // What one did in an n8n that it shares is counted there, also after it is gone.
        match workspace::of(context).await? {
            Some(part) => workspace::remove(context, &part).await?,
            None if was_counted(context).await? => count(context).await,
            None => {}
        }
        for (_, part) in workspace::kept(context).await? {
            workspace::remove(context, &part).await?;
        }
        context.fenced().await?.queues.remove(tenant).await?;
        context.fenced().await?.databases.remove_database(&name).await?;
        Ok(context.fenced().await?.databases.remove_role(&name).await?)
    }
}

/// Whether what it runs is anybody's: what a copy holds was counted where it ran.
async fn was_counted(context: &Context<'_, World, TenantDelete>) -> Result<bool, StepError> {
    let purpose = tenants::get(context.database(), context.tenant()).await?.purpose;
    Ok(matches!(purpose, Purpose::Customer | Purpose::Shared))
}

/// Says what the metric means.
pub fn describe() {
    describe_counter!(LOST, "Times that what a tenant ran since it was last counted went with its database.");
}

/// What it ran since it was last counted goes with its database.
pub async fn count(context: &Context<'_, World, impl TenantRequest>) {
    if !count_instance(context, context.tenant()).await {
        counter!(LOST).increment(1);
    }
}

/// Has what ran in this instance up to now counted. Whether it was.
pub async fn count_instance(context: &Context<'_, World, impl TenantRequest>, instance: TenantId) -> bool {
    let metering = &context.observe().metering;
    let pauses = ConstantBuilder::default().with_delay(PAUSE).with_max_times(TRIES);
    let counted =
        (|| metering.count(instance)).retry(pauses).when(|error: &BusError| error.kind().is_transient());
    let counted = counted.await.inspect_err(|error| {
        tracing::warn!(error = chain(error), "what the tenant ran in its last minute could not be counted");
    });
    counted.is_ok()
}
