//! What the service that makes backups does for it.

use common::operations::{ContextOf, StepError};
use n8n::databases::Counts;
use wire::{
    backups::BackupType,
    kinds::{TenantBackup, TenantLoad},
};

use super::{RestoreTenant, Restored};
use crate::{backed_up::back_up, beside, heal, loaded, step::step, workspace};

type In<'a> = ContextOf<'a, RestoreTenant>;

step!(/** The backup is in a database beside the tenant's, read and counted. Nothing that is in use was touched. */ pub(super) Load of RestoreTenant, "load", run load, undo unload, limit loaded::LIMIT, part TenantLoad);
step!(/** What is there now, once nothing changes it any more. It stays, whatever becomes of the restore. */ pub(super) SafetyBackup of RestoreTenant, "safety_backup", run safety_backup, part TenantBackup);

async fn load(context: &In<'_>, state: &mut Restored) -> Result<(), StepError> {
    let (backup, executions) = (context.request().backup, context.request().executions);
    let part = loaded::load(context, &TenantLoad { backup, executions, beside: true }).await?;
    let loaded: Option<Loaded> = part.state()?;
    state.counts = loaded.unwrap_or_default().counts;
    Ok(())
}

async fn unload(context: &In<'_>, _: &Restored) -> Result<(), StepError> {
    beside::clear(context).await
}

/// What the part says of itself.
#[derive(Default, serde::Deserialize)]
struct Loaded {
    counts: Counts,
}

async fn safety_backup(context: &In<'_>, _: &mut Restored) -> Result<(), StepError> {
    if workspace::of(context).await?.is_none() && !heal::has_database(context).await? {
        tracing::warn!(tenant_id = %context.tenant(), "nothing is backed up before the restore: the tenant's database is gone");
        return Ok(());
    }
    back_up(context, BackupType::PreRestore).await.map(drop)
}
