//! Nothing of the tenant runs while its release changes, and nothing that was accepted is lost.

use std::time::Duration;

use common::operations::{ContextOf, StepError};
use edge::StandIn;

use super::{UpgradeTenant, Upgraded};
use crate::{create::publish, delete::remove_all, halt, heal, step::step};

/// How long callers are waited for who wait for the end of what they began: they wait at the main, and it is about to stop.
const ANSWERS: Duration = Duration::from_secs(30);

/// What runs longer is ended with the worker that it runs in, which gives it a minute more. Callers wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

type In<'a> = ContextOf<'a, UpgradeTenant>;

// What one step does is often what undoes another: such functions take a state of either kind, and need none.
step!(/** Calls to webhooks are held, where that is on, and everybody else is told to come back. */ pub(super) Hold of UpgradeTenant, "hold", run hold, undo route);
step!(/** Who waits for an answer gets it, within reason. */ pub(super) Answer of UpgradeTenant, "answer", run answer);
step!(/** No trigger fires any more. */ pub(super) Main of UpgradeTenant, "main", run stop_main, undo start);
step!(/** What was accepted runs to its end. */ pub(super) Drain of UpgradeTenant, "drain", run drain);
step!(/** Nothing of it runs. */ pub(super) Workers of UpgradeTenant, "workers", run stop, undo start);
step!(/** Callers reach it again, and what was held is delivered. */ pub(super) Route of UpgradeTenant, "route", run route, undo hold);

async fn hold<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    publish(context, Some(StandIn::Waiting)).await
}

async fn route<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    publish(context, None).await
}

async fn answer(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    halt::drain(context, &mut state.answering_since, ANSWERS).await?;
    state.arriving.awaited()
}

async fn stop_main(context: &In<'_>, _: &mut Upgraded) -> Result<(), StepError> {
    halt::stop_main(context).await
}

async fn drain(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    halt::drain(context, &mut state.draining_since, PATIENCE).await.map(drop)
}

pub(super) async fn stop<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    remove_all(context).await
}

/// On whatever release its row says.
pub(super) async fn start<S: Send>(context: &In<'_>, _: S) -> Result<(), StepError> {
    heal::bring_back(context).await
}
