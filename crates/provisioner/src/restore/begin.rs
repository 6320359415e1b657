//! Whether it can be restored, and how it was before.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
    tenant::{Purpose, TenantStatus},
};

use super::{RestoreTenant, Restored, own};
use crate::{
    begin::{before, has_one_side, may_begin_before},
    beside, role,
    step::step,
    store::{restores, tenants},
    workspace,
};

type In<'a> = ContextOf<'a, RestoreTenant>;

step!(/** It has an n8n, or a part of one, that the platform runs, and nothing stands beside that. */ pub(super) Begin of RestoreTenant, "begin", run begin, undo as_before);

async fn begin(context: &In<'_>, _: &mut Restored) -> Result<(), StepError> {
    let refused = |detail: &str| Err(StepError::failed(Kind::Conflict, detail));
    may_begin_before(context).await?;
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    if tenant.purpose != Purpose::Customer {
        return refused("It is no customer's tenant: nothing of it is restored.");
    }
    let part = workspace::of(context).await?;
    match &part {
        Some(part) if part.external => {
            return refused(
                "The tenant shares an n8n that the platform does not run: it is restored by hand.",
            );
        }
        Some(_) => {}
        None => has_one_side(&tenant.dedicated_in(&context.observe().site.cluster)?)?,
    }
    let backup = context.request().backup;
    if !restores::may_be_restored(context.database(), context.tenant(), backup).await? {
        return refused("The tenant has no such backup that could be restored from.");
    }
    // Of a restore that a person gave up in its middle: whatever was there then is in its safety backup.
    beside::clear(context).await?;
    if let Some(part) = part {
        // In an n8n that was made anew it may be nobody yet.
        workspace::ensure(context, &part).await?;
        return own::ensure(context).await;
    }
    // On a server that has lost it, or another one, who is to own what is loaded may be gone too.
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    role::ensure(context, &blueprint).await
}

async fn as_before(context: &In<'_>, _: &Restored) -> Result<(), StepError> {
    let before = context.status_before().await?;
    let mut transaction = context.begin().await?;
    own::give_back(context.fenced().await?, &mut transaction, context.tenant()).await?;
    if let Some(before) = before {
        tenants::settle(&mut *transaction, context.operation(), before).await?;
    }
    restores::end(&mut *transaction, context.operation(), restores::FAILED).await?;
    Ok(transaction.commit().await?)
}

/// Whether it serves. One that rests goes on resting, and nothing of it is started.
pub(super) async fn serves(context: &In<'_>) -> Result<bool, StepError> {
    Ok(before(context).await? == TenantStatus::Active)
}
