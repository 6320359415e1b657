//! Whether it can be moved, and how it was before.

use std::time::Duration;

use common::{
    clock,
    error::Kind,
    operations::{ContextOf, StepError, later},
    tenant::Purpose,
};
use n8n::databases::Name;
use wire::{backups::BackupType, kinds::TenantBackup};

use super::{PromoteTenant, Promoted};
use crate::{
    backed_up::back_up,
    begin,
    home::{Lived, Workspace},
    step::step,
    store::{promotions, tenants},
    workspace,
};

type In<'a> = ContextOf<'a, PromoteTenant>;

step!(/** It has a part of an n8n that the platform runs, and it is known which. */ pub(super) Begin of PromoteTenant, "begin", run begin, undo begin::as_before);
step!(/** There is a backup of before, which was read back. It stays, whatever becomes of the promotion. */ pub(super) Backup of PromoteTenant, "backup", run back_up_before, part TenantBackup);

async fn begin(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let refused = |detail: String| Err(StepError::failed(Kind::Conflict, detail));
    in_time(context)?;
    begin::may_begin_before(context).await?;
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
    // What went on in its own n8n, before it came back from there, goes on in no other one.
    context.fenced().await?.members.end_aside(&Name::of(instance), &place.project).await?;
    let lived = Lived { instance, place };
    let mut transaction = context.begin().await?;
    promotions::lived(&mut *transaction, context.operation(), &lived).await?;
    transaction.commit().await?;
    state.lived = Some(lived);
    Ok(())
}

/// Fails for good once its window is over. Before that begins, which only one that came without its moment can, it waits.
pub(super) fn in_time(context: &In<'_>) -> Result<(), StepError> {
    let Some(window) = context.request().window else { return Ok(()) };
    let now = clock::now();
    if window.is_over(now) {
        let over = format!("The window that was given ({window}) is over: the tenant is where it was.");
        return Err(StepError::failed(Kind::Conflict, over)
            .with_hint("Ask again, with a later window or a longer one."));
    }
    match Duration::try_from(window.from - now) {
        Ok(left) => later(left),
        Err(_) => Ok(()),
    }
}

async fn back_up_before(context: &In<'_>, _: &mut Promoted) -> Result<(), StepError> {
    let backup = back_up(context, BackupType::PreMigration).await?;
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
