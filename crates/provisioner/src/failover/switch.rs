//! Its addresses lead into the shared n8n.

use common::{
    clock,
    operations::{ContextOf, StepError},
    tenant::TenantStatus,
};
use edge::StandIn;

use super::{FailedOver, FailoverTenant, begin::there};
use crate::{
    beside,
    create::{lead, publish, set_aside},
    delete::count,
    promote::KEPT,
    step::step,
    store::{failovers, homes, instances, rests, tenants},
};

type In<'a> = ContextOf<'a, FailoverTenant>;

step!(/** It lives there. */ pub(super) Switch of FailoverTenant, "switch", run switch, undo back);
step!(/** Callers reach it there, and what was held is delivered. */ pub(super) Route of FailoverTenant, "route", run route, undo hold);
step!(/** It is so; what is left of its own n8n is kept for a while. */ pub(super) Done of FailoverTenant, "done", run done, undo not_done);

async fn switch(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    let part = there(context, state)?;
    // Whoever counts looks where a tenant lives.
    count(context).await;
    let mut transaction = context.begin().await?;
    homes::move_back(&mut *transaction, context.tenant(), &part).await?;
    Ok(transaction.commit().await?)
}

async fn back(context: &In<'_>, state: &FailedOver) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    homes::stay_out(&mut *transaction, context.tenant(), state.former.as_ref()).await?;
    Ok(transaction.commit().await?)
}

async fn route(context: &In<'_>, _: &mut FailedOver) -> Result<(), StepError> {
    publish(context, None).await
}

async fn hold(context: &In<'_>, _: &FailedOver) -> Result<(), StepError> {
    lead(context, Some(StandIn::Waiting)).await
}

async fn done(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    beside::clear(context).await?;
    let now = clock::now();
    let mut transaction = context.begin().await?;
    instances::remove_all(&mut *transaction, context.tenant()).await?;
    rests::forget(&mut *transaction, context.tenant()).await?;
    failovers::succeeded(&mut *transaction, context.operation(), &state.brought, now, now + KEPT).await?;
    tenants::settle(&mut *transaction, context.operation(), TenantStatus::Active).await?;
    Ok(transaction.commit().await?)
}

/// What comes before it says the rest.
async fn not_done(context: &In<'_>, _: &FailedOver) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    set_aside(context, &mut transaction).await?;
    failovers::not_yet(&mut *transaction, context.operation()).await?;
    Ok(transaction.commit().await?)
}
