//! Who a tenant is in the n8n that it shares.

use std::num::{NonZeroU32, NonZeroU64};

use common::operations::{Context, StepError, TenantRequest};
use n8n::{
    account::ApiKeySigner,
    members::{Member, MemberLimits},
};

use crate::{
    World,
    home::Workspace,
    passwords,
    store::{secrets, tenants},
};

/// Makes sure of its user, project, key and limits. A password that somebody has chosen stays.
pub async fn ensure(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let (record, tenant, keys) = (context.database(), context.tenant(), &context.observe().keys);
    let row = tenants::get(record, tenant).await?;
    let password = secrets::open_password(record, keys, tenant).await?;
    let jwt_secret = context.observe().jwt_secret_of(record, workspace.instance).await?;
    // The same claims each time, so that the key can be computed again wherever it is needed.
    let key = tenant.uuid();
    let signer = ApiKeySigner { secret: &jwt_secret };
    let member = Member {
        tenant,
        place: workspace.place.clone(),
        password_hash: passwords::hash(context.observe().password_cost, &password).await?,
        key,
        token: signer.sign(workspace.place.user, key, row.created_at)?,
        limits: limits(row.concurrent_executions, row.executions_per_month),
    };
    Ok(context.fenced().await?.members.ensure(&workspace.database(), &member).await?)
}

/// Makes sure of all that, and that it is let in and may run: whatever somebody did to it in there.
pub async fn restore(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    ensure(context, workspace).await?;
    admit(context, workspace).await
}

/// Its people get in, and what they begin runs.
pub(super) async fn admit(
    context: &Context<'_, World, impl TenantRequest>,
    workspace: &Workspace,
) -> Result<(), StepError> {
    let (instance, place) = (workspace.database(), &workspace.place);
    context.fenced().await?.members.set_disabled(&instance, place, false).await?;
    context.fenced().await?.members.set_suspended(&instance, &place.project, false).await?;
    Ok(())
}

/// What it may run by its row.
pub fn limits(concurrent_executions: u32, executions_per_month: u32) -> MemberLimits {
    MemberLimits {
        concurrent: NonZeroU32::new(concurrent_executions).unwrap_or(NonZeroU32::MIN),
        executions_month: NonZeroU64::new(executions_per_month.into()),
    }
}
