//! What it is brought back from.

use common::{
    error::{Classify as _, Kind, chain},
    operations::{ContextOf, StepError},
};
use n8n::databases::Name;
use wire::kinds::TenantLoad;

use super::{FailedOver, FailoverTenant, Source};
use crate::{
    beside, loaded, role,
    step::step,
    store::{failovers, restores},
};

type In<'a> = ContextOf<'a, FailoverTenant>;

step!(/** It is known what the last good copy is. */ pub(super) Choose of FailoverTenant, "choose", run choose);
step!(/** Where that is a backup, it is in a database beside the tenant's, read and counted. */ pub(super) Load of FailoverTenant, "load", run load, undo unload, limit loaded::LIMIT, part TenantLoad);

async fn choose(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    let source = match context.request().backup {
        Some(backup) => named(context, backup).await?,
        None => last_good(context).await?,
    };
    let mut transaction = context.begin().await?;
    failovers::comes_from(&mut *transaction, context.operation(), source).await?;
    transaction.commit().await?;
    state.source = Some(source);
    Ok(())
}

async fn named(context: &In<'_>, backup: common::id::BackupId) -> Result<Source, StepError> {
    if restores::may_be_restored(context.database(), context.tenant(), backup).await? {
        return Ok(Source::Backup(backup));
    }
    Err(StepError::failed(Kind::Conflict, "The tenant has no such backup that could be restored from."))
}

/// A server that is away comes back: what is asked for then is the database. One that answers, and not with what an n8n has, is asked no longer.
async fn last_good(context: &In<'_>) -> Result<Source, StepError> {
    let tenant = context.tenant();
    let why = match context.observe().databases.final_state(&Name::of(tenant)).await {
        Ok(_) => return Ok(Source::Database),
        Err(error) if error.kind().is_transient() => return Err(error.into()),
        Err(error) => error,
    };
    tracing::warn!(tenant_id = %tenant, error = chain(&why), "the tenant's database cannot be read: it is brought back from a backup");
    let newest = restores::newest(context.database(), tenant).await?;
    newest.map(Source::Backup).ok_or_else(|| {
        let detail = format!("The tenant's database cannot be read ({why}), and there is no backup that could be restored from.");
        StepError::failed(Kind::Conflict, detail)
    })
}

async fn load(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    let Some(Source::Backup(backup)) = state.source else { return Ok(()) };
    // Who is to own what is loaded may be gone with the rest.
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    role::ensure(context, &blueprint).await?;
    loaded::load(context, &TenantLoad { backup, executions: false, beside: true }).await.map(drop)
}

async fn unload(context: &In<'_>, state: &FailedOver) -> Result<(), StepError> {
    if matches!(state.source, Some(Source::Backup(_))) { beside::clear(context).await } else { Ok(()) }
}
