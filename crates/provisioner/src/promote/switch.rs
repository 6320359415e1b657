//! Its addresses lead to its own n8n.

use std::collections::BTreeSet;

use common::{
    clock,
    operations::{ContextOf, StepError},
    tenant::TenantStatus,
};
use edge::StandIn;

use super::{PromoteTenant, Promoted, begin::lived};
use crate::{
    create::publish,
    delete::count_instance,
    step::step,
    store::{homes, promotions, tenants},
};

/// How long what it had in the shared n8n is kept: so long there is a way back.
pub const KEPT: time::Duration = time::Duration::hours(24);

type In<'a> = ContextOf<'a, PromoteTenant>;

step!(/** It lives in its own n8n. */ pub(super) Switch of PromoteTenant, "switch", run switch, undo back);
step!(/** Callers reach it there, and what was held is delivered. */ pub(super) Route of PromoteTenant, "route", run route, undo hold);
step!(/** It is so. */ pub(super) Done of PromoteTenant, "done", run done, undo not_done);

async fn switch(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let shared = lived(context, state)?;
    // Afterwards nothing in there is the tenant's any more.
    count_instance(context, shared.instance).await;
    // Where executions stay behind, those numbers are its own n8n's for others.
    let waiting = if context.request().executions { state.aside.clone() } else { BTreeSet::new() };
    let mut transaction = context.begin().await?;
    homes::move_out(&mut *transaction, context.tenant(), Some(&waiting)).await?;
    Ok(transaction.commit().await?)
}

async fn back(context: &In<'_>, state: &Promoted) -> Result<(), StepError> {
    let shared = lived(context, state)?;
    let mut transaction = context.begin().await?;
    homes::move_back(&mut *transaction, context.tenant(), &shared).await?;
    Ok(transaction.commit().await?)
}

async fn route(context: &In<'_>, _: &mut Promoted) -> Result<(), StepError> {
    publish(context, None).await
}

async fn hold(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    publish(context, Some(StandIn::Waiting)).await
}

async fn done(context: &In<'_>, _: &mut Promoted) -> Result<(), StepError> {
    let now = clock::now();
    let mut transaction = context.begin().await?;
    promotions::succeeded(&mut *transaction, context.operation(), now, now + KEPT).await?;
    tenants::settle(&mut *transaction, context.operation(), TenantStatus::Active).await?;
    Ok(transaction.commit().await?)
}

/// What comes before it says the rest.
async fn not_done(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    promotions::not_yet(&mut *transaction, context.operation()).await?;
    Ok(transaction.commit().await?)
}
