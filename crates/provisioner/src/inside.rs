//! Programs that are run in a tenant's containers.

use common::{
    error::Kind,
    operations::{Context, StepError, TenantRequest},
};
use engine::{ContainerRef, Exec, Executed};

use crate::{
    World,
    store::instances::{self, Instance},
};

/// Runs it in the first that is meant, waits for its end, and has what it said.
pub async fn run(
    context: &Context<'_, World, impl TenantRequest>,
    is_meant: impl Fn(&Instance) -> bool,
    exec: &Exec,
) -> Result<Executed, StepError> {
    let instances = instances::of_tenant(context.database(), context.tenant()).await?;
    let none = || StepError::failed(Kind::Internal, "the tenant has no such container");
    let name = instances.into_iter().find(is_meant).ok_or_else(none)?.name;
    let (tenant, cluster) = (Some(context.tenant()), context.observe().site.cluster.clone());
    let container = ContainerRef { name, tenant, cluster, generation: None };
    Ok(context.fenced().await?.containers.exec(&container, exec).await?)
}
