//! Whether it can go back, and how it was before.

use common::{
    clock,
    error::Kind,
    id::BackupId,
    operations::{ContextOf, Request as _, StepError},
};
use wire::{
    backups::BackupType,
    kinds::{TenantBackup, TenantRollback},
};

use super::{RollbackTenant, RolledBack};
use crate::{
    begin,
    create::settle,
    home::Workspace,
    step::step,
    store::{promotions, tenants},
};

type In<'a> = ContextOf<'a, RollbackTenant>;

step!(/** What it had in the n8n that it shared is still there. */ pub(super) Begin of RollbackTenant, "begin", run begin, undo as_before);
step!(/** There is a backup of its own n8n, which was read back. It stays, whatever becomes of this. */ pub(super) Backup of RollbackTenant, "backup", run back_up_before, part TenantBackup);

async fn begin(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    let refused = |detail: String| Err(StepError::failed(Kind::Conflict, detail));
    let status = begin::before(context).await?;
    if !TenantRollback::KIND.from.contains(&status) {
        return refused(format!("The tenant is {status} by now."));
    }
    tenants::get(context.database(), context.tenant())
        .await?
        .dedicated_in(&context.observe().site.cluster)?;
    let wanted = context.request().promotion;
    let kept = promotions::kept(context.database(), context.tenant()).await?;
    let Some(kept) = kept.into_iter().find(|kept| kept.promotion == wanted) else {
        return refused(
            "What the tenant had in the n8n that it shared is there no more, or was never left.".to_owned(),
        );
    };
    if kept.until.is_some_and(|until| until <= clock::now()) {
        return refused("What the tenant had in the n8n that it shared is about to be removed.".to_owned());
    }
    (state.lived, state.executions) = (Some(kept.lived), kept.executions);
    state.backup.get_or_insert_with(BackupId::generate);
    Ok(())
}

async fn as_before(context: &In<'_>, _: &RolledBack) -> Result<(), StepError> {
    settle(context, begin::before(context).await?).await
}

async fn back_up_before(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    let none = || StepError::failed(Kind::Internal, "it is not known which backup was made before");
    let backup = state.backup.ok_or_else(none)?;
    context.ensure_child(&TenantBackup::of(backup, BackupType::PreMigration)).await.map(drop)
}

/// Where it lived, and lives again from the switch on.
pub(super) fn lived(context: &In<'_>, state: &RolledBack) -> Result<Workspace, StepError> {
    let none = || StepError::failed(Kind::Internal, "it is not known where the tenant lived");
    let lived = state.lived.clone().ok_or_else(none)?;
    Ok(lived.in_cluster(context.observe().site.cluster.clone()))
}
