//! What belongs to the tenant alone is set aside: its place in a cluster, a subnet, names, secrets.

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, Step, StepError},
};
use engine::Limits;
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{
    World,
    home::here,
    store::{
        clusters, homes,
        instances::{self, Instance},
        secrets, subnets,
        tenants::{self, Tenant},
    },
};

pub struct Reserve;

#[async_trait]
impl Step<CreateTenant> for Reserve {
    fn name(&self) -> &'static str {
        "reserve"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        let (tenant, world) = (context.tenant(), context.observe());
        let cluster = &world.site.cluster;
        let row = tenants::get(context.database(), tenant).await?;
        // Accepted when no cluster was known that could hold it: it is ours, if this one can.
        row.home.as_ref().map_or(Ok(()), |home| here(home.cluster(), cluster))?;
        fits(world, &row).await?;
        let mut transaction = context.begin().await?;
        clusters::ensure(&mut *transaction, &world.site).await?;
        homes::place(&mut *transaction, tenant, cluster).await?;
        let row = tenants::get(&mut *transaction, tenant).await?;
        let wanted = Instance::all_of(&row, row.dedicated_in(cluster)?.color);
        instances::ensure(&mut transaction, cluster.as_str(), tenant, &wanted).await?;
        secrets::ensure(&mut transaction, &world.keys, tenant).await?;
        // Last, because every other reservation waits from here to the commit.
        subnets::ensure(&mut transaction, &world.site, tenant).await?;
        Ok(transaction.commit().await?)
    }

    /// The last undo: with it the tenant has failed, and its address and subnet are free again.
    async fn undo(&self, context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
        let (tenant, operation) = (context.tenant(), context.operation());
        let mut transaction = context.begin().await?;
        instances::remove_all(&mut *transaction, tenant).await?;
        secrets::remove_all(&mut *transaction, tenant).await?;
        tenants::fail(&mut transaction, tenant, operation).await?;
        Ok(transaction.commit().await?)
    }
}

/// Known before anything is made: the plan may have been accepted before anybody knew what this engine has.
async fn fits(world: &World, tenant: &Tenant) -> Result<(), StepError> {
    let has = world.containers.capacity().await?;
    let wanted = Limits { cpu_millis: tenant.cpu_millis, memory_mb: tenant.memory_mb, pids: 0 };
    if has.holds(wanted) {
        return Ok(());
    }
    let detail = format!(
        "Each container of the plan wants {} thousandths of a core and {} MB; this cluster has {} and {}.",
        wanted.cpu_millis, wanted.memory_mb, has.cpu_millis, has.memory_mb
    );
    Err(StepError::failed(Kind::Invalid, detail)
        .with_hint("Choose a smaller plan, or a larger machine for the cluster."))
}
