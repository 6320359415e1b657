//! Its own n8n runs, with everything active that was.

use std::time::Duration;

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
};
use n8n::databases::Name;

use super::{PromoteTenant, Promoted, freeze};
use crate::{
    create::{READY, Renewal, bring_up},
    delete::remove_all,
    step::step,
    store::rests,
    wait,
};

/// n8n makes what is active listen within seconds of being ready, some at a time.
const LISTENING: Duration = Duration::from_secs(90);

type In<'a> = ContextOf<'a, PromoteTenant>;

step!(/** Main and workers run on the last copy, and say that they are ready. */ pub(super) Start of PromoteTenant, "start", run start, undo stop);
step!(/** It listens on every webhook that it listened on before. */ pub(super) Listen of PromoteTenant, "listen", run listen);

async fn start(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    bring_up(context, Renewal::All, READY.min(freeze::left(context, state)?)).await
}

async fn stop(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    remove_all(context).await
}

async fn listen(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let Some(rest) = rests::find(context.database(), context.tenant()).await? else { return Ok(()) };
    let (name, wanted) = (Name::of(context.tenant()), rest.workflows.len() as u64);
    let limit = LISTENING.min(freeze::left(context, state)?);
    let listens = wait::until(context.stopping(), limit, || async {
        let found = context.observe().moves.webhooks(&name).await?;
        if found >= rest.webhooks { Ok(()) } else { Err(missing(Kind::Timeout, found, rest.webhooks)) }
    });
    match listens.await {
        // It would not become better by being asked again, and callers wait.
        Err(StepError::Failed { kind: Kind::Timeout, detail, .. }) => {
            return Err(StepError::failed(Kind::Conflict, detail));
        }
        listens => listens?,
    }
    let active = context.observe().databases.final_state(&name).await?.active_workflows;
    if active == wanted {
        return Ok(());
    }
    let detail = format!("{active} workflows are active in the tenant's own n8n, and {wanted} were before.");
    Err(StepError::failed(Kind::Conflict, detail))
}

fn missing(kind: Kind, found: u64, wanted: u64) -> StepError {
    StepError::failed(kind, format!("The tenant's own n8n listens on {found} of {wanted} webhooks."))
}
