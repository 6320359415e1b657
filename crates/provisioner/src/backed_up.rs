//! Having the tenant backed up, as a part of something that cannot be taken back without it.

use common::{
    id::BackupId,
    operations::{Context, StepError, TenantRequest},
};
use wire::{backups::BackupType, kinds::TenantBackup};

use crate::World;

/// What the part says of itself.
#[derive(serde::Deserialize)]
struct Made {
    #[serde(default)]
    backup: Option<BackupId>,
}

/// Which backup it is, once that was read back. The step names [`TenantBackup`] as its part.
pub async fn back_up<R: TenantRequest>(
    context: &Context<'_, World, R>,
    backup_type: BackupType,
) -> Result<Option<BackupId>, StepError> {
    // Of a step that is repeated the one that was accepted first counts.
    let asked = TenantBackup::of(BackupId::generate(), backup_type);
    let made: Option<Made> = context.ensure_child(&asked).await?.state()?;
    Ok(made.and_then(|made| made.backup))
}
