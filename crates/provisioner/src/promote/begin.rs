//! Whether it can be moved, and how it was before.

use common::{
    error::Kind,
    id::BackupId,
    operations::{ContextOf, Request as _, StepError},
    tenant::Purpose,
};
use n8n::databases::Name;
use wire::{
    backups::BackupType,
    kinds::{TenantBackup, TenantPromote},
};

use super::{PromoteTenant, Promoted};
use crate::{
    begin,
    create::settle,
    home::{Lived, Workspace},
    step::step,
    store::{promotions, tenants},
    workspace,
};

type In<'a> = ContextOf<'a, PromoteTenant>;

step!(/** It has a part of an n8n that the platform runs, and it is known which. */ pub(super) Begin of PromoteTenant, "begin", run begin, undo as_before);
step!(/** There is a backup of before, which was read back. It stays, whatever becomes of the promotion. */ pub(super) Backup of PromoteTenant, "backup", run back_up_before, part TenantBackup);

async fn begin(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let refused = |detail: String| Err(StepError::failed(Kind::Conflict, detail));
    let status = begin::before(context).await?;
    if !TenantPromote::KIND.from.contains(&status) {
        return refused(format!("The tenant is {status} by now."));
    }
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    if tenant.purpose != Purpose::Customer {
        return refused("It is no customer's tenant: nothing of it is moved.".to_owned());
    }
    let Some(Workspace { instance, external, place, .. }) = workspace::of(context).await? else {
        return refused("The tenant has an n8n of its own already.".to_owned());
    };
    if external {
        return refused(
            "The tenant shares an n8n that the platform does not run: it is moved by hand.".to_owned(),
        );
    }
    state.backup.get_or_insert_with(BackupId::generate);
    // What went on in its own n8n, before it came back from there, goes on in no other one.
    context.fenced().await?.members.end_aside(&Name::of(instance), &place.project).await?;
    let lived = Lived { instance, place };
    let mut transaction = context.begin().await?;
    promotions::lived(&mut *transaction, context.operation(), &lived).await?;
    transaction.commit().await?;
    state.lived = Some(lived);
    Ok(())
}

async fn as_before(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    settle(context, begin::before(context).await?).await
}

async fn back_up_before(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let none = || StepError::failed(Kind::Internal, "it is not known which backup was made before");
    let backup = state.backup.ok_or_else(none)?;
    context.ensure_child(&TenantBackup::of(backup, BackupType::PreMigration)).await?;
    let mut transaction = context.begin().await?;
    promotions::backed_up(&mut *transaction, context.operation(), backup).await?;
    Ok(transaction.commit().await?)
}

/// Where it lives until the switch, and lived after it.
pub(super) fn lived(context: &In<'_>, state: &Promoted) -> Result<Workspace, StepError> {
    let none = || StepError::failed(Kind::Internal, "it is not known where the tenant lived");
    let lived = state.lived.clone().ok_or_else(none)?;
    Ok(lived.in_cluster(context.observe().site.cluster.clone()))
}
