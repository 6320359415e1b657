//! What a sandbox has to show that is made to try a backup out (ADR 58). Whatever it does not show is the drill's failure, and nothing of it is left.

use std::time::Duration;

use common::{
    error::Kind,
    operations::{Context, Step, StepError},
};
use engine::{Exec, Executed};
use n8n::{databases::Name, drill};
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{
    World, inside,
    step::step,
    store::{
        drills::{self, Found},
        instances::Place,
    },
};

pub const LINE: [&dyn Step<CreateTenant>; 2] = [&Credentials, &Smoke];

/// So many of those that do not open are named.
const NAMED: usize = 20;

/// n8n's own program takes some seconds to start; on a machine that starts many n8ns at once, a minute.
const WITHIN: Duration = Duration::from_secs(180);

/// Some lines of its log, and what the workflow said.
const BYTES: usize = 256 << 10;

type In<'a> = Context<'a, World, TenantCreate>;

step!(/** Every credential opens with the key that came with the backup. */ Credentials of CreateTenant, "credentials", run credentials);
step!(/** n8n runs a workflow. */ Smoke of CreateTenant, "smoke", run smoke, limit WITHIN * 3);

async fn credentials(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    let (tenant, name) = (context.tenant(), Name::of(context.tenant()));
    let blueprint = context.observe().blueprint(context.database(), tenant).await?;
    let key = &blueprint.secrets.instance.encryption_key;
    let all = context.observe().databases.credentials(&name).await?;
    let closed: Vec<_> = all.iter().filter(|one| !one.opens_with(key)).map(|one| one.id.as_str()).collect();
    let counts = context.observe().databases.final_state(&name).await?;
    let mut transaction = context.begin().await?;
    drills::note(&mut *transaction, context.operation(), &Found::new(counts, closed.len())).await?;
    transaction.commit().await?;
    if closed.is_empty() {
        return Ok(());
    }
    let named = closed.get(..NAMED).unwrap_or(&closed).join(", ");
    let detail =
        format!("{} of {} credentials do not open with the backup's key: {named}.", closed.len(), all.len());
    Err(StepError::failed(Kind::Conflict, detail))
}

async fn smoke(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    let brought = said(context, drill::bring()).await?;
    if !ended(&brought) {
        return Err(failed("put a workflow into the n8n", &brought));
    }
    let ran = said(context, drill::run()).await?;
    if !ended(&ran) || !drill::ran(&ran.stdout) {
        return Err(failed("run a workflow in the n8n", &ran));
    }
    Ok(())
}

/// Whether it did not say that it failed. Node may crash while it ends, on a busy machine at nearly every time: 128 and the signal. What was done by then
/// is seen by what it wrote.
const fn ended(executed: &Executed) -> bool {
    executed.exit_code == 0 || executed.exit_code > 128
}

async fn said(context: &In<'_>, argv: Vec<String>) -> Result<Executed, StepError> {
    let exec = Exec { argv, within: WITHIN, bytes: BYTES };
    inside::run(context, |instance| instance.place == Place::Main, &exec).await
}

/// What it wrote is the tenant's affair, and stays in the log of nobody.
fn failed(what: &str, executed: &Executed) -> StepError {
    let code = executed.exit_code;
    StepError::failed(
        Kind::Upstream,
        format!("It was not possible to {what} that was restored: its program ended with {code}."),
    )
}
