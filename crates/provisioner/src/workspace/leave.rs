//! A tenant leaves the n8n that it shared, and nothing of it stays there. An n8n that is gone itself has nothing of anybody.

use std::time::Duration;

use common::{
    clock,
    error::Kind,
    operations::{Context, StepError, TenantRequest, later},
};
use n8n::{
    databases::{Counts, DatabaseError},
    members::MemberError,
};
use time::OffsetDateTime;

use super::rest::close;
use crate::{World, home::Workspace, wait};

/// How long executions that run may go on before they are ended: as long as those of a container that is stopped.
const GRACE: Duration = n8n::launch::STOP_TIMEOUT;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// n8n has ended what was active within a second of taking its webhooks away.
const ENDING: Duration = Duration::from_millis(250);

/// One that is told to stop has ended when n8n's worker has heard of it.
const STOPPED: Duration = Duration::from_secs(30);

/// What it has. `None`: there is no such n8n any more.
pub async fn count(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<Option<Counts>, StepError> {
    unless_gone(context.observe().members.counts(&workspace.database(), &workspace.place.project).await)
}

/// Whether it is anybody in there: it has a user, and a project of theirs.
pub async fn is_there(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<bool, StepError> {
    let login = context.observe().members.login(&workspace.database(), &workspace.place).await;
    match login {
        Err(MemberError::NoMember(_)) => Ok(false),
        login => unless_gone(login).map(|there| there.is_some()),
    }
}

/// Nothing of it runs any more. Executions get some time to end, counted from `since`, which is set when they are first seen.
pub async fn quiet(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
    since: &mut Option<OffsetDateTime>,
) -> Result<(), StepError> {
    let (instance, project) = (workspace.database(), &workspace.place.project);
    let running = context.observe().members.running(&instance, project).await;
    let Some(running) = unless_gone(running)? else { return Ok(()) };
    close(context, workspace).await?;
    if running.is_empty() {
        return Ok(());
    }
    if clock::now() - *since.get_or_insert_with(clock::now) < GRACE {
        return later(LOOK_EVERY);
    }
    let main = context.observe().main_for(context.database(), workspace).await?;
    context.fenced().await?.members.stop(&main, &running).await?;
    wait::until(context.stopping(), STOPPED, || async {
        match context.observe().members.running(&instance, project).await?.len() {
            0 => Ok(()),
            left => {
                Err(StepError::failed(Kind::Timeout, format!("{left} executions of the tenant still run")))
            }
        }
    })
    .await
}

/// Removes its user with all they have.
pub async fn remove(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    // One that is gone has no key that its API could be asked with.
    let there = context.observe().members.usage(&workspace.database(), &workspace.place.project).await;
    if unless_gone(there)?.is_none() {
        return Ok(());
    }
    let main = context.observe().main_for(context.database(), workspace).await?;
    match context.fenced().await?.members.remove(&main, &workspace.place).await {
        Err(MemberError::StillEnding(_)) => later(ENDING),
        removed => Ok(removed?),
    }
}

/// What is left of it, each table named.
pub async fn left(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<Vec<String>, StepError> {
    let left = context.observe().members.left(&workspace.database(), &workspace.place).await;
    let left = unless_gone(left)?.unwrap_or_default();
    Ok(left.into_iter().map(|left| format!("{} rows of {}", left.rows, left.table)).collect())
}

/// What was noted to remove it is of no use any more.
pub async fn forget(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let members = &context.fenced().await?.members;
    let forgotten = members.forget(&workspace.database(), &workspace.place.project).await;
    unless_gone(forgotten).map(drop)
}

fn unless_gone<T>(answer: Result<T, MemberError>) -> Result<Option<T>, StepError> {
    match answer {
        Err(MemberError::Database(DatabaseError::NoDatabase(_))) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}
