//! Its addresses lead to the n8n that it shared.

use common::{
    operations::{ContextOf, StepError},
    tenant::TenantStatus,
};

use super::{RollbackTenant, RolledBack, begin::lived, halt};
use crate::{
    create::set_aside,
    delete::count,
    step::step,
    store::{homes, instances, promotions, rests, tenants},
};

type In<'a> = ContextOf<'a, RollbackTenant>;

step!(/** It lives where it lived. */ pub(super) Switch of RollbackTenant, "switch", run switch, undo back);
step!(/** Callers reach it there, and what was held is delivered. */ pub(super) Route of RollbackTenant, "route", run halt::route, undo halt::hold);
step!(/** It is so; what its own n8n left goes afterwards. */ pub(super) Done of RollbackTenant, "done", run done, undo not_done);

async fn switch(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    let shared = lived(context, state)?;
    count(context).await;
    let mut transaction = context.begin().await?;
    homes::move_back(&mut *transaction, context.tenant(), &shared).await?;
    Ok(transaction.commit().await?)
}

async fn back(context: &In<'_>, _: &RolledBack) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    homes::move_out(&mut *transaction, context.tenant(), None).await?;
    Ok(transaction.commit().await?)
}

async fn done(context: &In<'_>, state: &mut RolledBack) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    instances::remove_all(&mut *transaction, context.tenant()).await?;
    let told = (state.backup, &state.changes);
    promotions::rolled_back(&mut *transaction, context.request().promotion, told).await?;
    tenants::settle(&mut *transaction, context.operation(), TenantStatus::Active).await?;
    rests::forget(&mut *transaction, context.tenant()).await?;
    Ok(transaction.commit().await?)
}

async fn not_done(context: &In<'_>, _: &RolledBack) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    set_aside(context, &mut transaction).await?;
    promotions::not_rolled_back(&mut *transaction, context.request().promotion).await?;
    Ok(transaction.commit().await?)
}
