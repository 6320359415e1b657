//! Giving a tenant other limits, or another number of workers. Limits change on running containers; a worker that is to go is told to stop, and
//! ends what it runs first.

mod check;

use std::time::Duration;

use common::{
    error::Kind,
    operations::{Context, Saga, Step, StepError},
};
use engine::{Limits, Selection};
use sqlx::PgConnection;
use wire::kinds::TenantScale;

use crate::{
    World, blueprint,
    create::{READY, Renewal, await_ready, ensure_all},
    delete::remove_containers,
    role,
    step::step,
    store::{
        instances::{self, Instance, Place},
        sizes::{self, Size},
        tenants,
    },
};

/// The largest plan's workers may all take their stop timeout.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// From one size to another.
pub struct ScaleTenant;

/// What is to become what.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Sizes {
    former: Option<Size>,
    wanted: Option<Size>,
}

type In<'a> = Context<'a, World, TenantScale>;

impl Saga for ScaleTenant {
    type World = World;
    type State = Sizes;
    type Request = TenantScale;

    fn steps(&self, _: &TenantScale) -> Vec<&dyn Step<Self>> {
        vec![&Check, &Rows, &Containers, &Drain]
    }
}

step!(/** It is allowed, and there is room for it. */ Check of ScaleTenant, "check", run check::check);
step!(/** The record says so, so that nobody heals it back. */ Rows of ScaleTenant, "rows", run rows, undo former_rows);
step!(/** What runs gets its limits, and new workers run. */ Containers of ScaleTenant, "containers", run containers, undo former_containers);
step!(/** Workers that are too many end what they run, and go. */ Drain of ScaleTenant, "drain", run drain, undo undrain, limit LIMIT);

async fn rows(context: &In<'_>, state: &mut Sizes) -> Result<(), StepError> {
    let Some(wanted) = state.wanted else { return Ok(()) };
    let cluster = context.observe().site.cluster.as_str();
    let mut transaction = context.begin().await?;
    sizes::take_turn(&mut *transaction).await?;
    let more = write(&mut transaction, context, wanted).await?;
    // Those who ask over the bus were not looked at before, and those who ask together each saw the same room.
    let left = sizes::connections_left(&mut *transaction, cluster).await?;
    if let Some(left) = left.filter(|left| more > 0 && *left < 0) {
        let detail = format!(
            "So many workers take {more} more connections to the tenants' database server, and the cluster has {} left.",
            (left + i64::from(more)).max(0)
        );
        return Err(StepError::failed(Kind::Conflict, detail));
    }
    Ok(transaction.commit().await?)
}

/// The size, an instance for each worker of it, and what these want of the database server. Returns by how many connections that is more.
async fn write(connection: &mut PgConnection, context: &In<'_>, size: Size) -> Result<i32, StepError> {
    let (tenant, cluster) = (context.tenant(), &context.observe().site.cluster);
    sizes::set(connection, tenant, size).await?;
    let row = tenants::get(&mut *connection, tenant).await?;
    let instances = Instance::all_of(&row, row.dedicated_in(cluster)?.color);
    instances::ensure(connection, cluster.as_str(), tenant, &instances).await?;
    write_connections(connection, context).await
}

/// What all instances that are written down want, those that are to go among them.
async fn write_connections(connection: &mut PgConnection, context: &In<'_>) -> Result<i32, StepError> {
    let row = tenants::get(&mut *connection, context.tenant()).await?;
    let instances = instances::of_tenant(&mut *connection, context.tenant()).await?;
    let limit = blueprint::connection_limit(&row, &instances);
    Ok(sizes::set_connections(&mut *connection, context.tenant(), limit).await?)
}

/// Back to what it had, whoever has been given the room meanwhile.
async fn write_former(context: &In<'_>, former: Size) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    write(&mut transaction, context, former).await?;
    Ok(transaction.commit().await?)
}

async fn former_rows(context: &In<'_>, state: &Sizes) -> Result<(), StepError> {
    let Some(former) = state.former else { return Ok(()) };
    write_former(context, former).await?;
    forget(context, former.workers).await?;
    connections(context).await
}

/// As many connections to its database as its containers may want.
async fn connections(context: &In<'_>) -> Result<(), StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    role::ensure(context, &blueprint).await
}

async fn forget(context: &In<'_>, beyond: i32) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    sizes::forget_workers(&mut *transaction, context.tenant(), beyond).await?;
    write_connections(&mut transaction, context).await?;
    Ok(transaction.commit().await?)
}

async fn containers(context: &In<'_>, state: &mut Sizes) -> Result<(), StepError> {
    let Some(wanted) = state.wanted else { return Ok(()) };
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    connections(context).await?;
    resize(context, wanted).await?;
    let there = observed(context).await?;
    let new = blueprint.containers().filter(|spec| !there.iter().any(|seen| seen.name == spec.name));
    let new: Vec<_> = new.collect();
    for spec in &new {
        context.fenced().await?.containers.ensure_running(spec).await?;
    }
    let names: Vec<_> = blueprint.containers().map(|spec| spec.name).collect();
    await_ready(context, &names, READY).await
}

async fn former_containers(context: &In<'_>, state: &Sizes) -> Result<(), StepError> {
    let Some(former) = state.former else { return Ok(()) };
    remove_containers(context, workers_beyond(context, former.workers).await?).await?;
    resize(context, former).await
}

/// Live: nothing is restarted.
async fn resize(context: &In<'_>, size: Size) -> Result<(), StepError> {
    for seen in observed(context).await? {
        let limits = Limits {
            cpu_millis: size.cpu_millis.unsigned_abs(),
            memory_mb: size.memory_mb.unsigned_abs(),
            ..seen.limits
        };
        if limits != seen.limits {
            context.fenced().await?.containers.resize(&seen.reference(), limits).await?;
        }
    }
    Ok(())
}

async fn observed(context: &In<'_>) -> Result<Vec<engine::Observed>, StepError> {
    let world = context.observe();
    let selection = Selection::of(context.tenant()).containers();
    Ok(world.containers.observe(&world.site.cluster, selection).await?.containers)
}

async fn drain(context: &In<'_>, state: &mut Sizes) -> Result<(), StepError> {
    let Some(wanted) = state.wanted else { return Ok(()) };
    remove_containers(context, workers_beyond(context, wanted.workers).await?).await?;
    forget(context, wanted.workers).await?;
    connections(context).await
}

/// The workers come back before the limits do: the record still has the new size, and this writes the former one.
async fn undrain(context: &In<'_>, state: &Sizes) -> Result<(), StepError> {
    let Some(former) = state.former else { return Ok(()) };
    write_former(context, former).await?;
    connections(context).await?;
    ensure_all(context, Renewal::All).await
}

/// The workers that the rows have beyond so many, the last first.
async fn workers_beyond(context: &In<'_>, workers: i32) -> Result<Vec<String>, StepError> {
    let instances = instances::of_tenant(context.database(), context.tenant()).await?;
    let beyond = instances.into_iter().rev().filter(|instance| match instance.place {
        Place::Main | Place::Front => false,
        Place::Worker(ordinal) => ordinal > workers,
    });
    Ok(beyond.map(|instance| instance.name).collect())
}
