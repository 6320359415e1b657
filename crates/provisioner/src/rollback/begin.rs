//! Whether it can go back, and how it was before.

use common::{
    clock,
    error::Kind,
    operations::{ContextOf, StepError},
};
use wire::{backups::BackupType, kinds::TenantBackup};

use super::{RollbackTenant, RolledBack};
use crate::{
    backed_up::back_up,
    begin,
    home::Workspace,
    step::step,
    store::{promotions, tenants},
};

type In<'a> = ContextOf<'a, RollbackTenant>;

step!(/** What it had in the n8n that it shared is still there. */ pub(super) Begin of RollbackTenant, "begin", run begin, undo begin::as_before);
step!(/** There is a backup of its own n8n, which was read back. It stays, whatever becomes of this. */ pub(super) Backup of RollbackTenant, "backup", run back_up_before, part TenantBackup);

async fn begin(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    let refused = |detail: String| Err(StepError::failed(Kind::Conflict, detail));
    begin::may_begin_before(context).await?;
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    begin::has_one_side(&tenant.dedicated_in(&context.observe().site.cluster)?)?;
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
    Ok(())
}

async fn back_up_before(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    state.backup = back_up(context, BackupType::PreMigration).await?;
    Ok(())
}

/// Where it lived, and lives again from the switch on.
pub(super) fn lived(context: &In<'_>, state: &RolledBack) -> Result<Workspace, StepError> {
    let none = || StepError::failed(Kind::Internal, "it is not known where the tenant lived");
    let lived = state.lived.clone().ok_or_else(none)?;
    Ok(lived.in_cluster(context.observe().site.cluster.clone()))
}
