//! Nothing of the tenant begins where it lives, nothing that was accepted is lost, and nobody waits longer than was said.

use std::time::Duration;

use common::{
    clock,
    error::Kind,
    operations::{ContextOf, StepError, later},
};
use edge::StandIn;
use n8n::databases::Name;

use super::{
    PromoteTenant, Promoted,
    begin::{self, lived},
};
use crate::{create::publish, step::step, store::promotions, workspace};

/// How soon it is looked again whether executions have ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// So often in a row nothing is seen to run before nothing may begin any more.
const QUIET: u32 = 4;

type In<'a> = ContextOf<'a, PromoteTenant>;

// What one step does is often what undoes another: such functions take a state of either kind, and need none.
step!(/** Calls to webhooks are held, where that is on, and everybody else is told to come back. */ pub(super) Hold of PromoteTenant, "hold", run hold, undo let_go);
step!(/** No trigger fires there any more; what was active is noted. */ pub(super) Silence of PromoteTenant, "silence", run silence, undo revive);
step!(/** What was accepted has ended, or waits for something and goes along. */ pub(super) Drain of PromoteTenant, "drain", run drain);

async fn hold(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    if state.frozen_at.is_none() {
        begin::in_time(context)?;
    }
    let since = *state.frozen_at.get_or_insert_with(clock::now);
    let mut transaction = context.begin().await?;
    promotions::frozen(&mut *transaction, context.operation(), since).await?;
    transaction.commit().await?;
    publish(context, Some(StandIn::Waiting)).await
}

async fn let_go(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    publish(context, None).await
}

async fn silence(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    left(context, state)?;
    workspace::deactivate(context, &lived(context, state)?).await
}

async fn revive(context: &In<'_>, state: &Promoted) -> Result<(), StepError> {
    let shared = lived(context, state)?;
    // Its own n8n was told to stop. What it has gone on with by then does not go on here as well; where executions did not come along it had none.
    let own = Name::of(context.tenant());
    let only = if state.copied && context.request().executions {
        Some(context.observe().moves.changes(&shared.database(), &shared.place, &own).await?.still_waiting)
    } else {
        None
    };
    let members = &context.fenced().await?.members;
    members.put_back(&shared.database(), &shared.place.project, only.as_ref()).await?;
    workspace::revive(context, &shared).await?;
    workspace::awake(context).await
}

/// What n8n has accepted begins within a second or so of the end of another, where a tenant runs as many as it may: nothing has to be seen to run for
/// longer. What begins to wait in the last moment is seen once nothing can begin any more.
async fn drain(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    left(context, state)?;
    let shared = lived(context, state)?;
    let (instance, project) = (shared.database(), &shared.place.project);
    state.aside = context.fenced().await?.members.set_aside(&instance, project).await?;
    if !context.observe().members.running(&instance, project).await?.is_empty() {
        state.quiet = 0;
        return later(LOOK_EVERY);
    }
    state.quiet += 1;
    if state.quiet < QUIET {
        return later(LOOK_EVERY);
    }
    workspace::close(context, &shared).await?;
    state.aside = context.fenced().await?.members.set_aside(&instance, project).await?;
    if context.observe().members.running(&instance, project).await?.is_empty() {
        Ok(())
    } else {
        later(LOOK_EVERY)
    }
}

/// How long callers may still wait. Past it the promotion is undone, which is what whoever asked for it said.
pub(super) fn left(context: &In<'_>, state: &Promoted) -> Result<Duration, StepError> {
    let waited = state.frozen_at.map_or(time::Duration::ZERO, |since| clock::now() - since);
    let waited = Duration::try_from(waited).unwrap_or_default();
    context.request().ttl().checked_sub(waited).ok_or_else(|| too_long(context))
}

/// It is undone.
pub(super) fn too_long(context: &In<'_>) -> StepError {
    let minutes = context.request().ttl_minutes;
    let detail = format!(
        "The tenant's callers would have had to wait for more than {minutes} minutes: it is where it was."
    );
    StepError::failed(Kind::Conflict, detail).with_hint(
        "Executions that run long are waited for: ask again when fewer run, or with more `ttl_minutes`.",
    )
}
