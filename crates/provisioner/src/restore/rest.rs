//! Nothing of the tenant runs while its databases change places. One that rested before goes on resting.

use std::time::Duration;

use common::{
    clock,
    operations::{ContextOf, StepError, later},
};
use edge::StandIn;

use super::{RestoreTenant, Restored, begin::serves};
use crate::{
    create::{READY, Renewal, bring_up, publish},
    delete::{remove_all, remove_containers},
    heal,
    step::step,
    store::instances::{self, Place},
};

/// How soon the queue is looked at again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What runs longer ends with the containers that it runs in: the tenant is down meanwhile, and what is restored knows nothing of it.
const PATIENCE: time::Duration = time::Duration::minutes(5);

type In<'a> = ContextOf<'a, RestoreTenant>;

// What one step does is often what undoes another: such functions take a state of either kind, and need none.
step!(/** Callers are told to come back. */ pub(super) Page of RestoreTenant, "page", run page, undo route);
step!(/** No trigger fires any more. */ pub(super) Main of RestoreTenant, "main", run stop_main, undo start_again);
step!(/** What was accepted runs to its end. */ pub(super) Drain of RestoreTenant, "drain", run drain);
step!(/** Nothing of it runs. */ pub(super) Workers of RestoreTenant, "workers", run stop, undo start_again);
step!(/** It runs on whatever database is in its place, and says that it is ready. */ pub(super) Start of RestoreTenant, "start", run start, undo stop);
step!(/** Callers reach it again. */ pub(super) Route of RestoreTenant, "route", run route, undo page);

async fn page<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    if serves(context).await? { publish(context, Some(StandIn::Restoring)).await } else { Ok(()) }
}

async fn route<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    if serves(context).await? { publish(context, None).await } else { Ok(()) }
}

async fn stop_main(context: &In<'_>, _: &mut Restored) -> Result<(), StepError> {
    let instances = instances::of_tenant(context.database(), context.tenant()).await?;
    let mains = instances.into_iter().filter(|instance| instance.place == Place::Main);
    remove_containers(context, mains.map(|instance| instance.name)).await
}

async fn drain(context: &In<'_>, state: &mut Restored) -> Result<(), StepError> {
    let since = *state.draining_since.get_or_insert_with(clock::now);
    let running = context.observe().queues.pending(context.tenant()).await?;
    if running == 0 {
        return Ok(());
    }
    if clock::now() - since < PATIENCE {
        return later(LOOK_EVERY);
    }
    tracing::warn!(tenant_id = %context.tenant(), executions = running, "executions that do not end are ended: the tenant is restored");
    Ok(())
}

async fn stop<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    remove_all(context).await
}

/// One whose database was lost did not run before either.
async fn start_again(context: &In<'_>, state: &Restored) -> Result<(), StepError> {
    if heal::has_database(context).await? { start(context, state).await } else { Ok(()) }
}

async fn start<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    if !serves(context).await? {
        return Ok(());
    }
    heal::surroundings(context).await?;
    bring_up(context, Renewal::All, READY).await
}
