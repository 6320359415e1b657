//! Containers go, and their secrets with them; in an n8n that the tenant shares, nothing of it runs any more.

use std::collections::BTreeSet;

use async_trait::async_trait;
use common::operations::{Context, Step, StepError, TenantRequest};
use engine::{ContainerRef, Selection};
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::{World, workspace};

pub struct RemoveContainers;

#[async_trait]
impl Step<DeleteTenant> for RemoveContainers {
    fn name(&self) -> &'static str {
        "containers"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        state: &mut Removal,
    ) -> Result<(), StepError> {
        if let Some(part) = workspace::of(context).await? {
            workspace::quiet(context, &part, &mut state.draining_since).await?;
        }
        for (_, part) in workspace::kept(context).await? {
            workspace::quiet(context, &part, &mut state.draining_since).await?;
        }
        remove_all(context).await
    }
}

/// Removes every container of the tenant that the engine really has, whatever the rows say.
pub async fn remove_all(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let world = context.observe();
    let inventory = world.containers.observe(&world.site.cluster, Selection::of(context.tenant())).await?;
    let containers = inventory.containers.iter().map(|c| c.name.as_str());
    // Secrets without a container: its removal was interrupted.
    let volumes = inventory.volumes.iter().map(|v| v.container.as_str());
    let names: BTreeSet<_> = containers.chain(volumes).map(str::to_owned).collect();
    remove_containers(context, names).await
}

/// Removes these containers of the tenant, each within its stop timeout.
pub async fn remove_containers(
    context: &Context<'_, World, impl TenantRequest>,
    names: impl IntoIterator<Item = String>,
) -> Result<(), StepError> {
    let (tenant, world) = (Some(context.tenant()), context.observe());
    // Finding nothing of it where it does not live says nothing.
    world.is_home_of(context.database(), context.tenant()).await?;
    for name in names {
        let container = ContainerRef { name, tenant, cluster: world.site.cluster.clone(), generation: None };
        context.fenced().await?.containers.remove(&container).await?;
    }
    Ok(())
}
