//! What the service that makes backups does for it.

use async_trait::async_trait;
use common::{
    id::BackupId,
    operations::{ContextOf, OperationKind, Request as _, Step, StepError},
};
use n8n::databases::{Counts, Name};
use wire::{
    backups::BackupType,
    kinds::{TenantBackup, TenantLoad},
};

use super::{RestoreTenant, Restored};
use crate::store::secrets;

/// The backup is in a database beside the tenant's, read and counted. Nothing that is in use was touched.
pub(super) struct Load;

#[async_trait]
impl Step<RestoreTenant> for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn child(&self) -> Option<&'static OperationKind> {
        Some(TenantLoad::KIND)
    }

    async fn run(
        &self,
        context: &ContextOf<'_, RestoreTenant>,
        state: &mut Restored,
    ) -> Result<(), StepError> {
        let (backup, executions) = (context.request().backup, context.request().executions);
        let part = context.ensure_child(&TenantLoad { backup, executions, beside: true }).await?;
        let loaded: Option<Loaded> = part.state()?;
        state.counts = loaded.unwrap_or_default().counts;
        Ok(())
    }

    async fn undo(&self, context: &ContextOf<'_, RestoreTenant>, _: &Restored) -> Result<(), StepError> {
        context.fenced().await?.databases.remove_beside(&Name::of(context.tenant())).await?;
        let mut transaction = context.begin().await?;
        secrets::forget_other_keys(&mut transaction, context.tenant()).await?;
        Ok(transaction.commit().await?)
    }
}

/// What the part says of itself.
#[derive(Default, serde::Deserialize)]
struct Loaded {
    counts: Counts,
}

/// What is there now, once nothing changes it any more. It stays, whatever becomes of the restore.
pub(super) struct SafetyBackup;

#[async_trait]
impl Step<RestoreTenant> for SafetyBackup {
    fn name(&self) -> &'static str {
        "safety_backup"
    }

    fn child(&self) -> Option<&'static OperationKind> {
        Some(TenantBackup::KIND)
    }

    async fn run(&self, context: &ContextOf<'_, RestoreTenant>, _: &mut Restored) -> Result<(), StepError> {
        // Of a step that is repeated the one that was accepted first counts.
        let backup = TenantBackup::of(BackupId::generate(), BackupType::PreRestore);
        context.ensure_child(&backup).await.map(drop)
    }
}
