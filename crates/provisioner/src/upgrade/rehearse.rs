//! What is going to be done to the tenant's database is done to a copy of it first, while the tenant works on.

use std::time::Duration;

use common::{
    error::Kind,
    id::BackupId,
    operations::{ContextOf, StepError},
};
use engine::Finished;
use n8n::Version;
use wire::{
    backups::BackupType,
    kinds::{TenantBackup, TenantLoad},
};

use super::{UpgradeTenant, Upgraded, WayBack};
use crate::{beside, delete::remove_containers, step::step};

/// Migrations of large tables take long, and an engine may have to fetch the image first.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// For each of both releases.
const TIMEOUT: Duration = Duration::from_secs(50 * 60);

type In<'a> = ContextOf<'a, UpgradeTenant>;

step!(/** There is a backup of before, which was read back. It stays, whatever becomes of the upgrade. */ pub(super) Backup of UpgradeTenant, "backup", run back_up_before, part TenantBackup);
step!(/** That backup is in a database beside the tenant's. */ pub(super) Load of UpgradeTenant, "load", run load, undo unload, part TenantLoad);
step!(/** The new release has brought the copy to its tables, and it is known whether the former one starts on it. Nothing of the copy is left. */ pub(super) Rehearse of UpgradeTenant, "rehearse", run rehearse, undo stop_rehearsing, limit LIMIT);

async fn back_up_before(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    let asked = TenantBackup::of(backup_of(state)?, BackupType::PreUpgrade);
    context.ensure_child(&asked).await.map(drop)
}

async fn load(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    let backup = backup_of(state)?;
    context.ensure_child(&TenantLoad { backup, executions: true, beside: true }).await.map(drop)
}

fn backup_of(state: &Upgraded) -> Result<BackupId, StepError> {
    state
        .backup
        .ok_or_else(|| StepError::failed(Kind::Internal, "it is not known which backup was made before"))
}

async fn unload(context: &In<'_>, _: &Upgraded) -> Result<(), StepError> {
    beside::clear(context).await
}

async fn rehearse(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    // Once it is known the copy is being removed, and may be gone.
    if state.way_back.is_none() {
        let wanted = context.request().n8n_version;
        let brought = start_on_copy(context, wanted).await?;
        if brought.exit_code != 0 {
            tracing::warn!(tenant_id = %context.tenant(), logs = brought.logs_tail, "a new release failed on a copy of the tenant's database");
            let detail = format!(
                "n8n {wanted} ends with code {} on a copy of the tenant's database. Nothing of the tenant was touched.",
                brought.exit_code
            );
            return Err(StepError::failed(Kind::Upstream, detail)
                .with_hint("The provisioner's log has the end of what it said."));
        }
        let starts = start_on_copy(context, from(state)?).await?.exit_code == 0;
        let way_back = if starts { WayBack::ReRoute } else { WayBack::Snapshot };
        tracing::info!(tenant_id = %context.tenant(), way_back = way_back.as_str(), "an upgrade was rehearsed");
        state.way_back = Some(way_back);
    }
    beside::clear(context).await
}

pub(super) fn from(state: &Upgraded) -> Result<Version, StepError> {
    state
        .from
        .ok_or_else(|| StepError::failed(Kind::Internal, "it is not known which release the tenant ran"))
}

/// Brings the copy to this release's tables, where that is the later one, and reads what is in it.
async fn start_on_copy(context: &In<'_>, version: Version) -> Result<Finished, StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    let spec = blueprint.rehearsal(version);
    Ok(context.fenced().await?.containers.run_once(&spec, TIMEOUT).await?)
}

/// One that was begun and whose end nobody waited for.
async fn stop_rehearsing(context: &In<'_>, state: &Upgraded) -> Result<(), StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    let versions = [Some(context.request().n8n_version), state.from].into_iter().flatten();
    remove_containers(context, versions.map(|version| blueprint.rehearsal(version).name)).await
}
