//! Whether it can fall back, and to where.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
    tenant::Purpose,
};
use n8n::members::Place as Member;

use super::{FailedOver, FailoverTenant};
use crate::{
    begin,
    home::Workspace,
    step::step,
    store::{failovers, homes, promotions, tenants},
    workspace,
};

type In<'a> = ContextOf<'a, FailoverTenant>;

step!(/** It has an n8n of its own here. */ pub(super) Begin of FailoverTenant, "begin", run begin, undo begin::as_before);
step!(/** There is a place for it in an n8n that is shared, which nobody else takes. */ pub(super) Place of FailoverTenant, "place", run place, undo without_place);
step!(/** What it had there before it had its own is gone: the same ids are coming. Its backup of then stays. */ pub(super) Former of FailoverTenant, "former", run remove_former);

async fn begin(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    begin::may_begin_before(context).await?;
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    if tenant.purpose != Purpose::Customer {
        let detail =
            "It is no customer's tenant: it has an n8n of its own, and keeps it for as long as it is there.";
        return Err(StepError::failed(Kind::Conflict, detail));
    }
    tenant.dedicated_in(&context.observe().site.cluster)?;
    state.former = homes::former(context.database(), context.tenant()).await?;
    Ok(())
}

/// Whoever it was in a shared n8n before it is again, so that its callers' paths of then go on leading to it.
async fn place(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    let (tenant, operation) = (context.tenant(), context.operation());
    let member = match &state.former {
        Some(former) => promotions::member(context.database(), tenant, &former.project).await?,
        None => None,
    };
    let member = match member {
        Some(member) => member,
        None => Member::draw()?,
    };
    let mut transaction = context.begin().await?;
    let lived = failovers::place(&mut transaction, operation, member).await?;
    transaction.commit().await?;
    let none = || {
        StepError::failed(
            Kind::Conflict,
            "No n8n that tenants share in the tenant's cluster takes another one. Nothing of the tenant was touched.",
        )
        .with_hint("`rp9 shared create` adds one, and `rp9 shared reopen` lets tenants into one again.")
    };
    state.place = Some(lived.ok_or_else(none)?);
    Ok(())
}

async fn without_place(context: &In<'_>, _: &FailedOver) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    failovers::without_place(&mut *transaction, context.operation()).await?;
    Ok(transaction.commit().await?)
}

async fn remove_former(context: &In<'_>, _: &mut FailedOver) -> Result<(), StepError> {
    // Nothing of it has run since it left.
    for (promotion, part) in workspace::kept(context).await? {
        workspace::remove(context, &part).await?;
        workspace::forget_kept(context, promotion, &part).await?;
    }
    Ok(())
}

/// Where it is going to live, and lives from the switch on.
pub(super) fn there(context: &In<'_>, state: &FailedOver) -> Result<Workspace, StepError> {
    let none = || StepError::failed(Kind::Internal, "it is not known where the tenant is going to live");
    let lived = state.place.clone().ok_or_else(none)?;
    Ok(lived.in_cluster(context.observe().site.cluster.clone()))
}
