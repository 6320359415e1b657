//! Its own n8n comes to rest.

use std::time::Duration;

use common::operations::{ContextOf, StepError};
use edge::StandIn;

use super::{RollbackTenant, RolledBack};
use crate::{create::publish, delete::remove_all, halt, heal, step::step};

/// What runs longer is ended with the worker that it runs in. Callers wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

type In<'a> = ContextOf<'a, RollbackTenant>;

// What one step does is often what undoes another: such functions take a state of either kind, and need none.
step!(/** Calls to webhooks are held, where that is on, and everybody else is told to come back. */ pub(super) Hold of RollbackTenant, "hold", run hold, undo route);
step!(/** No trigger fires any more. */ pub(super) Main of RollbackTenant, "main", run stop_main, undo start);
step!(/** What was accepted runs to its end. */ pub(super) Drain of RollbackTenant, "drain", run drain);
step!(/** Nothing of it runs. */ pub(super) Workers of RollbackTenant, "workers", run stop, undo start);

pub(super) async fn hold<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    publish(context, Some(StandIn::Waiting)).await
}

pub(super) async fn route<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    publish(context, None).await
}

async fn stop_main(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    state.arriving.awaited()?;
    halt::stop_main(context).await
}

async fn drain(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    halt::drain(context, &mut state.draining_since, PATIENCE).await.map(drop)
}

async fn stop(context: &In<'_>, _: &mut RolledBack) -> Result<(), StepError> {
    remove_all(context).await
}

async fn start(context: &In<'_>, _: &RolledBack) -> Result<(), StepError> {
    heal::bring_back(context).await
}
