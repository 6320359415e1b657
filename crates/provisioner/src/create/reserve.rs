//! What belongs to the tenant alone is set aside: its place in a cluster, a subnet, names, secrets.

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, Step, StepError, TenantRequest},
};
use engine::Limits;
use sqlx::PgConnection;
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{
    World,
    blueprint::connection_limit,
    home::here,
    store::{
        clusters, homes,
        instances::{self, Instance},
        secrets, sizes, subnets,
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
        nothing: &mut Nothing,
    ) -> Result<(), StepError> {
        reserve(context, nothing).await
    }

    async fn undo(
        &self,
        context: &Context<'_, World, TenantCreate>,
        nothing: &Nothing,
    ) -> Result<(), StepError> {
        release(context, nothing).await
    }
}

pub async fn reserve(context: &Context<'_, World, TenantCreate>, _: &mut Nothing) -> Result<(), StepError> {
    let row = place(context).await?;
    row.dedicated_in(&context.observe().site.cluster)?;
    fits(context.observe(), &row).await?;
    let mut transaction = context.begin().await?;
    set_aside(context, &mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// Names, secrets, connections and a subnet of its own, in the cluster that it is in.
pub async fn set_aside(
    context: &Context<'_, World, impl TenantRequest>,
    connection: &mut PgConnection,
) -> Result<(), StepError> {
    let (tenant, world) = (context.tenant(), context.observe());
    let row = tenants::get(&mut *connection, tenant).await?;
    let cluster = &world.site.cluster;
    let own =
        row.own.clone().ok_or_else(|| StepError::failed(Kind::Internal, "the tenant has no place yet"))?;
    here(&own.cluster, cluster)?;
    let wanted = Instance::all_of(&row, own.color);
    instances::ensure(connection, cluster.as_str(), tenant, &wanted).await?;
    secrets::ensure(connection, &world.keys, tenant).await?;
    sizes::set_connections(&mut *connection, tenant, connection_limit(&row, &wanted)).await?;
    Ok(subnets::ensure(connection, &world.site, tenant).await?)
}

/// The last undo: with it the tenant has failed, and its address and subnet are free again.
pub async fn release(context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
    let (tenant, operation) = (context.tenant(), context.operation());
    let mut transaction = context.begin().await?;
    instances::remove_all(&mut *transaction, tenant).await?;
    secrets::remove_all(&mut *transaction, tenant).await?;
    tenants::fail(&mut transaction, tenant, operation).await?;
    Ok(transaction.commit().await?)
}

/// The tenant, which has its place here. One that was accepted when no cluster was known that could hold it is given one now; where that is
/// another one, or none yet, this one waits.
async fn place(context: &Context<'_, World, TenantCreate>) -> Result<Tenant, StepError> {
    let (tenant, site) = (context.tenant(), &context.observe().site);
    let mut transaction = context.begin().await?;
    clusters::ensure(&mut *transaction, site).await?;
    homes::place(&mut *transaction, tenant, context.operation()).await?;
    let row = tenants::get(&mut *transaction, tenant).await?;
    transaction.commit().await?;
    let Some(home) = &row.home else {
        return Err(unsuited("no cluster suits the tenant and has room for it"));
    };
    here(home.cluster(), &site.cluster)?;
    // What the record says of this cluster may be older than what it was told.
    if site.suits(row.region.as_deref(), &row.compliance) {
        return Ok(row);
    }
    Err(unsuited("the tenant asked for another region, or must comply with what this cluster does not"))
}

fn unsuited(detail: &str) -> StepError {
    StepError::failed(Kind::Unavailable, detail).with_hint(
        "The tenant's row has its region and compliance; a cluster's are its CLUSTER_REGION and CLUSTER_COMPLIANCE.",
    )
}

/// Known before anything is made: the plan may have been accepted before anybody knew what this engine has.
pub async fn fits(world: &World, tenant: &Tenant) -> Result<(), StepError> {
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
