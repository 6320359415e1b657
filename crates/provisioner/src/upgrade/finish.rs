//! It runs the new release, and has all that it had.

use common::{
    error::{Kind, chain},
    operations::{ContextOf, StepError},
    tenant::TenantStatus,
};
use n8n::databases::{Counts, Name};

use super::{UpgradeTenant, Upgraded};
use crate::{create::settle, step::step};

type In<'a> = ContextOf<'a, UpgradeTenant>;

step!(/** Nothing that the tenant had is missing. */ pub(super) Check of UpgradeTenant, "check", run check);
step!(/** It is as it was, on the new release. */ pub(super) Done of UpgradeTenant, "done", run done);

/// Executions are n8n's own affair: at its start it forgets old ones, and schedules go on.
async fn check(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    let found = context.observe().databases.final_state(&Name::of(context.tenant())).await?;
    let told = |counts: Counts| (counts.workflows, counts.active_workflows, counts.credentials);
    let (found, wanted) = (told(found), told(state.counts));
    if found == wanted {
        return Ok(());
    }
    let detail = format!(
        "After the upgrade there are {} workflows, {} of them active, and {} credentials; before it {}, {} and {}.",
        found.0, found.1, found.2, wanted.0, wanted.1, wanted.2
    );
    Err(StepError::failed(Kind::Conflict, detail))
}

async fn done(context: &In<'_>, _: &mut Upgraded) -> Result<(), StepError> {
    settle(context, TenantStatus::Active).await?;
    // There is no way back from here. What is not removed now is removed by the next who puts something beside it, or with the tenant.
    if let Err(error) = context.fenced().await?.databases.remove_beside(&Name::of(context.tenant())).await {
        tracing::warn!(tenant_id = %context.tenant(), error = %chain(&error), "the database of before the upgrade stays for now");
    }
    Ok(())
}
