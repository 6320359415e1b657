//! It is what was backed up.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
    tenant::TenantStatus,
};
use n8n::databases::{Counts, Name};

use super::{RestoreTenant, Restored, part};
use crate::{
    begin::before,
    step::step,
    store::{homes, restores, rests, tenants},
    workspace,
};

type In<'a> = ContextOf<'a, RestoreTenant>;

step!(/** n8n has what the backup had. */ pub(super) Check of RestoreTenant, "check", run check);
step!(/** It is as it was then, and as reachable as before. */ pub(super) Done of RestoreTenant, "done", run done, undo not_done);

/// Executions are n8n's own affair: at its start it ends those that were under way, and forgets old ones.
async fn check(context: &In<'_>, state: &mut Restored) -> Result<(), StepError> {
    let found = match workspace::of(context).await? {
        Some(part) => part::counts(context, &part).await?,
        None => context.observe().databases.final_state(&Name::of(context.tenant())).await?,
    };
    let told = |counts: Counts| (counts.workflows, counts.credentials);
    let (found, wanted) = (told(found), told(state.counts));
    if found == wanted {
        return Ok(());
    }
    let detail = format!(
        "After the restore there are {} workflows and {} credentials, and in the backup {} and {}.",
        found.0, found.1, wanted.0, wanted.1
    );
    Err(StepError::failed(Kind::Conflict, detail))
}

async fn done(context: &In<'_>, _: &mut Restored) -> Result<(), StepError> {
    let before = before(context).await?;
    let mut transaction = context.begin().await?;
    tenants::settle(&mut *transaction, context.operation(), before).await?;
    restores::end(&mut *transaction, context.operation(), restores::SUCCEEDED).await?;
    // One that rests was not started on it.
    if before == TenantStatus::Active {
        restores::prove(&mut *transaction, context.request().backup).await?;
        // One that was promoted needs what was active where it lived for its way back.
        if homes::is_shared(&mut *transaction, context.tenant()).await? {
            rests::forget(&mut *transaction, context.tenant()).await?;
        }
    }
    Ok(transaction.commit().await?)
}

/// What comes before it says the rest.
async fn not_done(context: &In<'_>, _: &Restored) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    restores::end(&mut *transaction, context.operation(), restores::FAILED).await?;
    Ok(transaction.commit().await?)
}
