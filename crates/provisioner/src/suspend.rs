//! Letting a tenant rest. Callers are told so, triggers fire no more, what runs ends by itself; everything the tenant has stays, down to which of
//! its workflows are active.

use std::time::Duration;

use common::{
    operations::{Context, Saga, Step, StepError, TenantRequest, later},
    tenant::TenantStatus,
};
use edge::StandIn;
use wire::kinds::TenantSuspend;

use crate::{
    World, begin,
    create::{READY, Renewal, bring_up, ensure_all, publish, settle},
    delete::remove_all,
    halt::{self, Arriving},
    step::step,
    workspace,
};

/// How soon the queue is looked at again while executions run. They may take as long as the operation has time.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What its steps tell later ones.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Suspending {
    /// What was on its way when callers were led elsewhere.
    #[serde(default)]
    arriving: Arriving,
}

/// From an active tenant to one that rests.
pub struct SuspendTenant;

impl Saga for SuspendTenant {
    type World = World;
    type State = Suspending;
    type Request = TenantSuspend;

    fn steps(&self, _: &TenantSuspend) -> Vec<&dyn Step<Self>> {
        vec![&Page, &Main, &Drain, &Workers, &Rest]
    }
}

step!(/** Callers get a page from here on, and none gets lost between two containers. */ Page of SuspendTenant, "page", run page, undo route);
step!(/** No trigger fires any more: without a main, which answers who is waiting before it goes, or with none that is active. */ Main of SuspendTenant, "main", run stop_main, undo start);
step!(/** Whatever was accepted runs to its end. */ Drain of SuspendTenant, "drain", run drain);
step!(/** Nobody needs them now. */ Workers of SuspendTenant, "workers", run stop_workers, undo start_workers);
step!(/** It is so. */ Rest of SuspendTenant, "suspended", run rest, undo active);

async fn page(context: &Context<'_, World, impl TenantRequest>, _: &mut Suspending) -> Result<(), StepError> {
    context.may_begin().await?;
    publish(context, Some(StandIn::Suspended)).await
}

/// One that was not active when its turn came stays as it is.
async fn route(context: &Context<'_, World, impl TenantRequest>, _: &Suspending) -> Result<(), StepError> {
    if begin::is(context, TenantStatus::Active).await? { publish(context, None).await } else { Ok(()) }
}

async fn stop_main(
    context: &Context<'_, World, impl TenantRequest>,
    state: &mut Suspending,
) -> Result<(), StepError> {
    if let Some(workspace) = workspace::of(context).await? {
        return workspace::silence(context, &workspace).await;
    }
    state.arriving.awaited()?;
    halt::stop_main(context).await
}

async fn start(context: &Context<'_, World, impl TenantRequest>, _: &Suspending) -> Result<(), StepError> {
    if let Some(workspace) = workspace::of(context).await? {
        workspace::revive(context, &workspace).await?;
        workspace::awake(context).await?;
        return workspace::put_waiting_back(context, &workspace).await;
    }
    bring_up(context, Renewal::All, READY).await
}

async fn drain(
    context: &Context<'_, World, impl TenantRequest>,
    _: &mut Suspending,
) -> Result<(), StepError> {
    let world = context.observe();
    let running = match workspace::of(context).await? {
        Some(part) => {
            // What ran may have begun to wait since.
            workspace::set_waiting_aside(context, &part).await?;
            world.members.running(&part.database(), &part.place.project).await?.len() as u64
        }
        None => world.queues.pending(context.tenant()).await?,
    };
    if running == 0 { Ok(()) } else { later(LOOK_EVERY) }
}

async fn stop_workers(
    context: &Context<'_, World, impl TenantRequest>,
    _: &mut Suspending,
) -> Result<(), StepError> {
    remove_all(context).await
}

async fn start_workers(
    context: &Context<'_, World, impl TenantRequest>,
    _: &Suspending,
) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(_) => Ok(()),
        None => ensure_all(context, Renewal::All).await,
    }
}

async fn rest(context: &Context<'_, World, impl TenantRequest>, _: &mut Suspending) -> Result<(), StepError> {
    settle(context, TenantStatus::Suspended).await
}

async fn active(context: &Context<'_, World, impl TenantRequest>, _: &Suspending) -> Result<(), StepError> {
    settle(context, TenantStatus::Active).await
}
