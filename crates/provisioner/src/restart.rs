//! Letting a tenant's containers begin anew: the main first, then workers, each ready before the next stops. The tenant's address leads to whoever
//! stands in for it from before the first stops until the last is ready: no new call meets a process that is just ending, and callers that wait for
//! the end of what they began have been answered.

use std::{collections::BTreeMap, time::Duration};

use common::operations::{Context, Saga, Step, StepError, TenantRequest};
use edge::StandIn;
use engine::{Inventory, Selection};
use n8n::launch::STOP_TIMEOUT;
use time::OffsetDateTime;
use wire::kinds::TenantRestart;

use crate::{
    World,
    begin::may_begin_on_containers,
    create::{READY, Renewal, await_ready, ensure_all, publish},
    halt::{self, Arriving},
    step::step,
    store::instances::Place,
};

/// Each of the largest plan's workers may take its stop timeout, and as long to be ready again.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// How long executions under way are let end before the main stops. Those that take longer go on in the workers; only who waits at the main for
/// their answer is cut off.
const PATIENCE: Duration = Duration::from_secs(30);

/// From running containers to the same ones, begun anew.
pub struct RestartTenant;

/// How all was before anything was done.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Before {
    /// When each container had begun, by the engine's own clock: what began later has been restarted.
    began: BTreeMap<String, OffsetDateTime>,
    #[serde(default)]
    arriving: Arriving,
    #[serde(default)]
    draining_since: Option<OffsetDateTime>,
}

impl Saga for RestartTenant {
    type World = World;
    type State = Before;
    type Request = TenantRestart;

    fn steps(&self, _: &TenantRestart) -> Vec<&dyn Step<Self>> {
        vec![&Look, &Hold, &Drain, &Main, &Workers, &Route]
    }
}

step!(/** What is missing is brought back, and it is noted how all is. */ Look of RestartTenant, "look", run look);
step!(/** Callers are told to come back; calls to webhooks are held, where that is on. */ Hold of RestartTenant, "hold", run hold, undo route);
step!(/** Who waits for an answer gets it, within reason. */ Drain of RestartTenant, "drain", run drain);
step!(/** It begins anew, and is ready. */ Main of RestartTenant, "main", run main);
step!(/** Executions that run in one are let end before it begins anew. */ Workers of RestartTenant, "workers", run workers, limit LIMIT);
step!(/** Callers reach it again. */ Route of RestartTenant, "route", run route);

async fn observe(context: &Context<'_, World, impl TenantRequest>) -> Result<Inventory, StepError> {
    let world = context.observe();
    let selection = Selection::of(context.tenant()).containers();
    Ok(world.containers.observe(&world.site.cluster, selection).await?)
}

async fn look(context: &Context<'_, World, impl TenantRequest>, state: &mut Before) -> Result<(), StepError> {
    may_begin_on_containers(context).await?;
    ensure_all(context, Renewal::Only(&[])).await?;
    let inventory = observe(context).await?;
    state.began =
        inventory.containers.into_iter().filter_map(|seen| Some((seen.name, seen.started_at?))).collect();
    Ok(())
}

async fn workers(
    context: &Context<'_, World, impl TenantRequest>,
    state: &mut Before,
) -> Result<(), StepError> {
    begin_anew(context, state, |place| place != Place::Main).await
}

async fn main(context: &Context<'_, World, impl TenantRequest>, state: &mut Before) -> Result<(), StepError> {
    begin_anew(context, state, |place| place == Place::Main).await
}

/// One that is made anew because its settings are those of a former release has begun anew with that.
async fn begin_anew(
    context: &Context<'_, World, impl TenantRequest>,
    before: &Before,
    which: impl Fn(Place) -> bool,
) -> Result<(), StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    let chosen = blueprint.instances.iter().filter(|instance| which(instance.place));
    let names: Vec<_> = chosen.map(|instance| instance.name.clone()).collect();
    for spec in blueprint.containers().filter(|spec| names.contains(&spec.name)) {
        let seen = context.fenced().await?.containers.ensure_running(&spec).await?;
        if before.began.get(&seen.name).is_some_and(|at| seen.started_at == Some(*at)) {
            context.fenced().await?.containers.restart(&seen.reference(), STOP_TIMEOUT).await?;
        }
        await_ready(context, &[spec.name], READY).await?;
    }
    Ok(())
}

async fn drain(
    context: &Context<'_, World, impl TenantRequest>,
    state: &mut Before,
) -> Result<(), StepError> {
    halt::drain(context, &mut state.draining_since, PATIENCE).await?;
    state.arriving.awaited()
}

async fn hold<S: Send>(context: &Context<'_, World, impl TenantRequest>, _: S) -> Result<(), StepError> {
    publish(context, Some(StandIn::Waiting)).await
}

async fn route<S: Send>(context: &Context<'_, World, impl TenantRequest>, _: S) -> Result<(), StepError> {
    publish(context, None).await
}
