//! What it did in its own n8n, and what goes on where it was.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
};
use n8n::databases::Name;

use super::{RollbackTenant, RolledBack, begin::lived};
use crate::{
    step::step,
    store::rests::{self, Rest},
    workspace,
};

type In<'a> = ContextOf<'a, RollbackTenant>;

step!(/** It is known what it did since it was moved. */ pub(super) Compare of RollbackTenant, "compare", run compare);
step!(/** Where it was, what was active is active again unless it was switched off since, and what still waits goes on waiting. */ pub(super) Revive of RollbackTenant, "revive", run revive, undo silence);

async fn compare(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    let shared = lived(context, state)?;
    let own = Name::of(context.tenant());
    let moves = &context.observe().moves;
    state.changes = moves.changes(&shared.database(), &shared.place, &own).await?;
    Ok(())
}

async fn revive(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    let shared = lived(context, state)?;
    let rest = rests::find(context.database(), context.tenant()).await?;
    // Without it nobody knows what would have to be active there.
    let Rest { workflows, webhooks } = rest.ok_or_else(|| {
        StepError::failed(
            Kind::Conflict,
            "What was active in the n8n that the tenant shared is not known any more.",
        )
    })?;
    let (before, off) = (workflows.len(), &state.changes.switched_off);
    let workflows: Vec<_> = workflows.into_iter().filter(|one| !off.contains(&one.workflow)).collect();
    // How many of the webhooks were theirs nobody knows.
    let webhooks = if workflows.len() == before { webhooks } else { 0 };
    let mut transaction = context.begin().await?;
    rests::replace(&mut transaction, context.tenant(), &Rest { workflows, webhooks }).await?;
    transaction.commit().await?;
    let members = &context.fenced().await?.members;
    // Where executions did not come along, nothing went on anywhere else.
    let only = state.executions.then_some(&state.changes.still_waiting);
    members.put_back(&shared.database(), &shared.place.project, only).await?;
    workspace::revive(context, &shared).await
}

async fn silence(context: &In<'_>, state: &RolledBack) -> Result<(), StepError> {
    let shared = lived(context, state)?;
    // What is active there now, should nobody know it any more.
    workspace::silence(context, &shared).await?;
    let members = &context.fenced().await?.members;
    members.set_aside(&shared.database(), &shared.place.project).await.map(drop)?;
    Ok(())
}
