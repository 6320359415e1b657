//! Gone means that every system was asked and has nothing.

use async_trait::async_trait;
use common::{
    error::Kind,
    id::TenantId,
    operations::{Context, Step, StepError},
};
use engine::Selection;
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{World, workspace};

pub struct Verify;

#[async_trait]
impl Step<DeleteTenant> for Verify {
    fn name(&self) -> &'static str {
        "verify"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        _: &mut Removal,
    ) -> Result<(), StepError> {
        let tenant = context.tenant();
        let mut left = leftovers(context.observe(), tenant).await?;
        if let Some(part) = workspace::of(context).await? {
            left.extend(workspace::left(context, &part).await?);
        }
        for (_, part) in workspace::kept(context).await? {
            left.extend(workspace::left(context, &part).await?);
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(StepError::failed(Kind::Upstream, format!("still there after the removal: {}", left.join(", "))))
    }
}

/// What the outside systems still have of a tenant, each named.
pub async fn leftovers(world: &World, tenant: TenantId) -> Result<Vec<String>, StepError> {
    let inventory = world.containers.observe(&world.site.cluster, Selection::of(tenant)).await?;
    let databases = world.databases.observe().await?;
    let queues = world.queues.observe().await?;
    let left = inventory.containers.iter().map(|c| format!("container {}", c.name));
    let left = left.chain(inventory.volumes.iter().map(|v| format!("volume {}", v.name)));
    let left = left.chain(inventory.networks.iter().map(|n| format!("network {}", n.name)));
    let left = left
        .chain(databases.databases.iter().filter(|d| d.name.tenant() == tenant).map(|_| "database".into()));
    let left =
        left.chain(databases.roles.iter().filter(|r| r.tenant() == tenant).map(|_| "database role".into()));
    let left = left
        .chain(databases.keepers.iter().filter(|r| r.tenant() == tenant).map(|_| "database keeper".into()));
    let left = left.chain(queues.iter().filter(|q| **q == tenant).map(|_| "queue login".into()));
    Ok(left.collect())
}
