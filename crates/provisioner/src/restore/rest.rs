//! Nothing of the tenant runs while its databases change places. One that rested before goes on resting.

use std::time::Duration;

use common::operations::{ContextOf, StepError};
use edge::StandIn;

use super::{RestoreTenant, Restored, begin::serves, part};
use crate::{create::publish, delete::remove_all, halt, heal, step::step, workspace};

/// What runs longer ends with the containers that it runs in: the tenant is down meanwhile, and what is restored knows nothing of it.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

type In<'a> = ContextOf<'a, RestoreTenant>;

// What one step does is often what undoes another: such functions take a state of either kind, and need none.
step!(/** Callers are told to come back. */ pub(super) Page of RestoreTenant, "page", run page, undo route);
step!(/** No trigger fires any more. */ pub(super) Main of RestoreTenant, "main", run stop_main, undo start_again);
step!(/** What was accepted runs to its end. */ pub(super) Drain of RestoreTenant, "drain", run drain);
step!(/** Nothing of it runs, and what it has in an n8n that it shares can be put back. */ pub(super) Workers of RestoreTenant, "workers", run stop, undo start_again);
step!(/** It runs on whatever database is in its place, and says that it is ready. */ pub(super) Start of RestoreTenant, "start", run start, undo stop_again);
step!(/** Callers reach it again. */ pub(super) Route of RestoreTenant, "route", run route, undo page);

async fn page<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    if serves(context).await? { publish(context, Some(StandIn::Restoring)).await } else { Ok(()) }
}

async fn route<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    if serves(context).await? { publish(context, None).await } else { Ok(()) }
}

async fn stop_main(context: &In<'_>, state: &mut Restored) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(part) => part::silence(context, &part, state).await,
        None => {
            state.arriving.awaited()?;
            halt::stop_main(context).await
        }
    }
}

async fn drain(context: &In<'_>, state: &mut Restored) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(part) => workspace::quiet(context, &part, &mut state.draining_since).await,
        None => halt::drain(context, &mut state.draining_since, PATIENCE).await.map(drop),
    }
}

async fn stop(context: &In<'_>, _: &mut Restored) -> Result<(), StepError> {
    match workspace::of(context).await? {
        // No step of its own: restores that are under way when a release comes could not go on with another line.
        Some(part) => {
            workspace::set_waiting_aside(context, &part).await?;
            part::keep(context, &part).await
        }
        None => remove_all(context).await,
    }
}

/// One whose database was lost did not run before either.
async fn start_again(context: &In<'_>, _: &Restored) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(part) => part::wake(context, &part).await,
        None if heal::has_database(context).await? => bring_back(context).await,
        None => Ok(()),
    }
}

async fn start(context: &In<'_>, state: &mut Restored) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(part) => part::revive(context, &part, state).await,
        None => bring_back(context).await,
    }
}

async fn stop_again(context: &In<'_>, state: &Restored) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(part) => part::close(context, &part, state).await,
        None => remove_all(context).await,
    }
}

async fn bring_back(context: &In<'_>) -> Result<(), StepError> {
    if serves(context).await? { heal::bring_back(context).await } else { Ok(()) }
}
