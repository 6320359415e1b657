//! The rows of both sides, and the containers that follow from them.

use common::{
    error::Kind,
    operations::{Context, StepError, TenantRequest},
    tenant::Color,
};

use crate::{
    World,
    blueprint::connection_limit,
    create::{READY, await_ready},
    delete::remove_containers,
    home::Sides,
    role,
    store::{
        homes,
        instances::{self, Instance, Place},
        sizes, tenants,
    },
};

type In<'a, R> = Context<'a, World, R>;

/// A container of one of the sides.
pub type Part = (Color, Place);

/// Some rows more, and some fewer.
#[derive(Debug, Default)]
pub struct Change {
    pub more: Vec<Part>,
    pub fewer: Vec<Part>,
}

/// These workers of a side.
pub fn workers(color: Color, ordinals: std::ops::RangeInclusive<u32>) -> Vec<Part> {
    ordinals.map(|ordinal| (color, Place::Worker(ordinal.cast_signed()))).collect()
}

/// Writes down how the sides are, what is to run and what not any more, and how many connections all of that may open, if there is room for
/// those.
pub async fn write(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    change: &Change,
) -> Result<(), StepError> {
    put(context, sides, change, true).await
}

/// Back to what was, whoever has been given the room meanwhile.
pub async fn write_back(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    change: &Change,
) -> Result<(), StepError> {
    put(context, sides, change, false).await
}

async fn put(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    change: &Change,
    needs_room: bool,
) -> Result<(), StepError> {
    let (tenant, cluster) = (context.tenant(), context.observe().site.cluster.as_str());
    let mut transaction = context.begin().await?;
    sizes::take_turn(&mut *transaction).await?;
    homes::have(&mut *transaction, tenant, sides).await?;
    let row = tenants::get(&mut *transaction, tenant).await?;
    let of = |parts: &[Part]| -> Vec<Instance> {
        parts.iter().map(|(color, place)| Instance::of(&row, *color, *place)).collect()
    };
    let fewer: Vec<_> = of(&change.fewer).into_iter().map(|instance| instance.name).collect();
    instances::forget(&mut *transaction, tenant, &fewer).await?;
    instances::ensure(&mut transaction, cluster, tenant, &of(&change.more)).await?;
    let all = instances::of_tenant(&mut *transaction, tenant).await?;
    let limit = connection_limit(&row, &all);
    let more = sizes::set_connections(&mut *transaction, tenant, limit).await?;
    let left = sizes::connections_left(&mut *transaction, cluster).await?;
    if let Some(left) = left.filter(|left| needs_room && more > 0 && *left < 0) {
        let detail = format!(
            "What runs beside the tenant takes {more} more connections to the tenants' database server, and the cluster has {} left.",
            (left + i64::from(more)).max(0)
        );
        return Err(StepError::failed(Kind::Conflict, detail));
    }
    transaction.commit().await?;
    let blueprint = context.observe().blueprint(context.database(), tenant).await?;
    role::ensure(context, &blueprint).await
}

/// These run, and say that they are ready. They have rows.
pub async fn start(context: &In<'_, impl TenantRequest>, parts: &[Part]) -> Result<(), StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    let names = names(&blueprint.tenant, parts);
    for spec in blueprint.containers().filter(|spec| names.contains(&spec.name)) {
        context.fenced().await?.containers.ensure_running(&spec).await?;
    }
    await_ready(context, &names, READY).await
}

/// These do not run. Each ends what it has begun, within its stop timeout.
pub async fn stop(context: &In<'_, impl TenantRequest>, parts: &[Part]) -> Result<(), StepError> {
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    remove_containers(context, names(&tenant, parts)).await
}

fn names(tenant: &tenants::Tenant, parts: &[Part]) -> Vec<String> {
    parts.iter().map(|(color, place)| Instance::of(tenant, *color, *place).name).collect()
}
