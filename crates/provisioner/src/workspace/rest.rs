//! Letting a workspace rest, and bringing it back exactly as it was.

use std::time::Duration;

use common::{
    error::Kind,
    operations::{Context, StepError, TenantRequest},
};

use super::member::admit;
use crate::{
    World,
    home::Workspace,
    store::rests::{self, Rest},
    wait,
};

/// n8n takes a webhook away 0.3 to 0.7 s after its workflow was deactivated, and longer on a busy machine.
const WEBHOOKS: Duration = Duration::from_secs(60);

/// What does not listen again after this is not waited for: a workflow that n8n cannot publish any more must not keep the others down.
const PUBLISHED: Duration = Duration::from_secs(20);

/// No trigger fires, nothing that waits goes on, and nobody gets in any more. What was active is noted first.
pub async fn silence(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    set_waiting_aside(context, workspace).await?;
    note(context, workspace).await?;
    close(context, workspace).await
}

/// No trigger fires any more, and what was accepted goes on. What was active is noted first.
pub async fn deactivate(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    note(context, workspace).await?;
    without_triggers(context, workspace).await
}

async fn note(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let (members, instance) = (&context.observe().members, workspace.database());
    let project = &workspace.place.project;
    let webhooks = members.webhooks(&instance, project).await?;
    let seen = Rest { workflows: members.active_workflows(&instance, project).await?, webhooks };
    let mut transaction = context.begin().await?;
    rests::note(&mut *transaction, context.tenant(), &seen).await?;
    Ok(transaction.commit().await?)
}

/// Nothing begins, nobody gets in, and no trigger fires any more, without noting anything. What runs goes on.
pub async fn close(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let (instance, place) = (workspace.database(), &workspace.place);
    context.fenced().await?.members.set_suspended(&instance, &place.project, true).await?;
    context.fenced().await?.members.set_disabled(&instance, place, true).await?;
    without_triggers(context, workspace).await
}

async fn without_triggers(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let (instance, place) = (workspace.database(), &workspace.place);
    let active = context.observe().members.active_workflows(&instance, &place.project).await?;
    if !active.is_empty() {
        let main = context.observe().main_for(context.database(), workspace).await?;
        let active: Vec<_> = active.into_iter().map(|active| active.workflow).collect();
        let skipped = context.fenced().await?.members.deactivate(&main, &active).await?;
        for one in skipped.iter().filter(|one| !one.gone) {
            tracing::warn!(tenant_id = %context.tenant(), workflow_id = %one.workflow, reason = one.reason, "n8n did not deactivate a workflow");
        }
    }
    wait::until(context.stopping(), WEBHOOKS, || async {
        let members = &context.observe().members;
        let left = members.active_workflows(&instance, &place.project).await?.len() as u64;
        match left + members.webhooks(&instance, &place.project).await? {
            0 => Ok(()),
            left => Err(StepError::failed(
                Kind::Timeout,
                format!("{left} triggers of the tenant are still there"),
            )),
        }
    })
    .await
}

/// What waits for a time or a call does not go on. n8n would begin what is due, be refused, and end it as failed.
pub async fn set_waiting_aside(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let members = &context.fenced().await?.members;
    Ok(members.set_aside(&workspace.database(), &workspace.place.project).await.map(drop)?)
}

/// It goes on with that, or waits for it, which comes after [`revive`].
pub async fn put_waiting_back(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let members = &context.fenced().await?.members;
    Ok(members.put_back(&workspace.database(), &workspace.place.project, None).await.map(drop)?)
}

/// What was active when it was let rest is active again, and its people get in.
pub async fn revive(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    if let Some(rest) = rests::find(context.database(), context.tenant()).await? {
        activate(context, workspace, &rest).await?;
    }
    admit(context, workspace).await
}

async fn activate(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
    rest: &Rest,
) -> Result<(), StepError> {
    if rest.workflows.is_empty() {
        return Ok(());
    }
    let (tenant, instance) = (context.tenant(), workspace.database());
    let main = context.observe().main_for(context.database(), workspace).await?;
    let mut left = rest.workflows.clone();
    // n8n refuses one that runs another as a step as long as that one is not active: whatever came to be so may be what others wait for.
    let skipped = loop {
        let skipped = context.fenced().await?.members.activate(&main, &left).await?;
        if skipped.is_empty() || skipped.len() == left.len() {
            break skipped;
        }
        left.retain(|one| skipped.iter().any(|skipped| skipped.workflow == one.workflow));
    };
    for one in &skipped {
        tracing::warn!(tenant_id = %tenant, workflow_id = %one.workflow, reason = one.reason, "a workflow that was active stays inactive");
    }
    if !skipped.is_empty() {
        // How many of the webhooks were theirs nobody knows.
        return Ok(());
    }
    let listening = wait::until(context.stopping(), PUBLISHED, || async {
        let now = context.observe().members.webhooks(&instance, &workspace.place.project).await?;
        if now >= rest.webhooks { Ok(()) } else { Err(missing(now, rest.webhooks)) }
    });
    match listening.await {
        Err(StepError::Failed { kind: Kind::Timeout, detail, .. }) => {
            tracing::warn!(tenant_id = %tenant, detail, "a tenant is resumed all the same");
            Ok(())
        }
        outcome => outcome,
    }
}

fn missing(now: u64, wanted: u64) -> StepError {
    StepError::failed(Kind::Timeout, format!("n8n listens on {now} of {wanted} webhooks"))
}

/// What was noted is of no use any more.
pub async fn awake(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    rests::forget(&mut *transaction, context.tenant()).await?;
    Ok(transaction.commit().await?)
}
