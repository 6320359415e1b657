//! It becomes somebody in a shared n8n, with what it had.

use std::collections::BTreeSet;

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
};
use n8n::{
    copies::{Bringing, Keys, Omitted, Onto},
    databases::{Beside, Name},
};

use super::{FailedOver, FailoverTenant, Source, begin::there};
use crate::{
    step::step,
    store::{
        rests::{self, Rest},
        secrets,
    },
    workspace,
};

type In<'a> = ContextOf<'a, FailoverTenant>;

step!(/** It has a user and a project there. */ pub(super) Join of FailoverTenant, "join", run join, undo leave);
step!(/** What it had is theirs, and what did not come along is known. */ pub(super) Bring of FailoverTenant, "bring", run bring);
step!(/** What was active is active there, as far as that n8n allows. */ pub(super) Revive of FailoverTenant, "revive", run revive, undo silence);

async fn join(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    workspace::ensure(context, &there(context, state)?).await
}

async fn leave(context: &In<'_>, state: &FailedOver) -> Result<(), StepError> {
    let part = there(context, state)?;
    workspace::remove(context, &part).await?;
    workspace::forget(context, &part).await
}

async fn bring(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    let (record, world, tenant) = (context.database(), context.observe(), context.tenant());
    let part = there(context, state)?;
    let none = || StepError::failed(Kind::Internal, "it is not known what the tenant is brought back from");
    let (beside, from) = match state.source.ok_or_else(none)? {
        Source::Database => (None, secrets::encryption_key(record, &world.keys, tenant).await?),
        Source::Backup(_) => {
            (Some(Beside::Next), secrets::next_encryption_key(record, &world.keys, tenant).await?)
        }
    };
    let to = secrets::encryption_key(record, &world.keys, part.instance).await?;
    let bringing = Bringing { place: part.place.clone(), keys: Keys { from, to }, onto: Onto::Nothing };
    let name = Name::of(tenant);
    state.brought = context.fenced().await?.moves.bring((&name, beside), &part.database(), &bringing).await?;
    let counts = state.brought.counts;
    tracing::info!(tenant_id = %tenant, workflows = counts.workflows, credentials = counts.credentials, unopened = state.brought.unopened, "what a tenant had was brought into a shared n8n");
    Ok(())
}

async fn revive(context: &In<'_>, state: &mut FailedOver) -> Result<(), StepError> {
    let (part, brought) = (there(context, state)?, &mut state.brought);
    let mut transaction = context.begin().await?;
    let rest = Rest { workflows: brought.active.clone(), webhooks: brought.webhooks };
    rests::note(&mut *transaction, context.tenant(), &rest).await?;
    transaction.commit().await?;
    workspace::revive(context, &part).await?;
    let active = context.observe().members.active_workflows(&part.database(), &part.place.project).await?;
    let active: BTreeSet<_> = active.into_iter().map(|one| one.workflow).collect();
    let inactive = brought.active.iter().filter(|one| !active.contains(&one.workflow));
    let told = inactive.map(|one| {
        Omitted::new(format!("workflow {} being active", one.workflow), "the shared n8n refuses it")
    });
    let told: Vec<_> = told.filter(|one| !brought.missing.contains(one)).collect();
    brought.missing.extend(told);
    Ok(())
}

async fn silence(context: &In<'_>, state: &FailedOver) -> Result<(), StepError> {
    workspace::close(context, &there(context, state)?).await?;
    workspace::awake(context).await
}
