//! The last backup. Nothing that the tenant has goes before that was read back from the store.

use common::{
    operations::{ContextOf, StepError},
    tenant::Purpose,
};
use wire::{backups::BackupType, kinds::TenantBackup};

use super::{DeleteTenant, Removal};
use crate::{backed_up::back_up, step::step, store::tenants, workspace};

type In<'a> = ContextOf<'a, DeleteTenant>;

step!(/** What it held in the end is in the store. */ pub(super) FinalBackup of DeleteTenant, "final_backup", run run, part TenantBackup);

async fn run(context: &In<'_>, state: &mut Removal) -> Result<(), StepError> {
    if has_data(context, state).await? {
        state.final_backup = back_up(context, BackupType::Final).await?;
    }
    Ok(())
}

/// Whether there is anything of a customer's that no other backup has.
async fn has_data(context: &In<'_>, removal: &Removal) -> Result<bool, StepError> {
    if let Some(part) = workspace::of(context).await? {
        // What is in an n8n of somebody else's is backed up by whoever runs it.
        return Ok(!part.external && workspace::is_there(context, &part).await?);
    }
    let has_database = removal.final_state.is_some() || removal.not_counted.is_some();
    if !has_database {
        return Ok(false);
    }
    Ok(tenants::get(context.database(), context.tenant()).await?.purpose == Purpose::Customer)
}
