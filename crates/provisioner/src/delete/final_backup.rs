//! The last backup. Nothing that the tenant has goes before that was read back from the store.

use async_trait::async_trait;
use common::{
    id::BackupId,
    operations::{Context, OperationKind, Request as _, Step, StepError},
    tenant::Purpose,
};
use wire::{
    backups::BackupType,
    kinds::{TenantBackup, TenantDelete},
};

use super::{DeleteTenant, Removal};
use crate::{World, store::tenants, workspace};

pub struct FinalBackup;

#[async_trait]
impl Step<DeleteTenant> for FinalBackup {
    fn name(&self) -> &'static str {
        "final_backup"
    }

    fn child(&self) -> Option<&'static OperationKind> {
        Some(TenantBackup::KIND)
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        state: &mut Removal,
    ) -> Result<(), StepError> {
        if !has_data(context, state).await? {
            return Ok(());
        }
        // Of a step that is repeated the one that was accepted first counts.
        let backup = TenantBackup::of(BackupId::generate(), BackupType::Final);
        let made: Option<Made> = context.ensure_child(&backup).await?.state()?;
        state.final_backup = made.and_then(|made| made.backup);
        Ok(())
    }
}

/// What the part says of itself.
#[derive(serde::Deserialize)]
struct Made {
    #[serde(default)]
    backup: Option<BackupId>,
}

/// Whether there is anything of a customer's that no other backup has.
async fn has_data(context: &Context<'_, World, TenantDelete>, removal: &Removal) -> Result<bool, StepError> {
    let has_database = removal.final_state.is_some() || removal.not_counted.is_some();
    if !has_database || workspace::of(context).await?.is_some() {
        return Ok(false);
    }
    Ok(tenants::get(context.database(), context.tenant()).await?.purpose == Purpose::Customer)
}
