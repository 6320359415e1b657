//! The same for one that shares an n8n: what it has there is replaced, and nobody else's is touched.

use common::{
    error::Kind,
    id::TenantId,
    operations::{ContextOf, StepError},
};
use n8n::{
    copies::{Bringing, Brought, Keys, Onto, Sharing},
    databases::{Beside, Counts, Name},
};
use secrecy::SecretString;

use super::{RestoreTenant, Restored, begin::serves};
use crate::{
    home::Workspace,
    store::{
        rests::{self, Rest},
        secrets, tenants,
    },
    workspace,
};

type In<'a> = ContextOf<'a, RestoreTenant>;

/// No trigger fires any more, and nobody gets in. What was active is kept.
pub async fn silence(context: &In<'_>, part: &Workspace, state: &mut Restored) -> Result<(), StepError> {
    // One that rests has nothing that is active: what was is noted since.
    if serves(context).await? {
        workspace::silence(context, part).await?;
    } else {
        workspace::close(context, part).await?;
    }
    state.rest = rests::find(context.database(), context.tenant()).await?.unwrap_or_default();
    Ok(())
}

/// It goes on as before. Of one that rests, what waits is aside until it is resumed.
pub async fn wake(context: &In<'_>, part: &Workspace) -> Result<(), StepError> {
    if !serves(context).await? {
        return Ok(());
    }
    workspace::revive(context, part).await?;
    workspace::awake(context).await?;
    workspace::put_waiting_back(context, part).await
}

/// What it has is in a database beside, from which it is put back.
pub async fn keep(context: &In<'_>, part: &Workspace) -> Result<(), StepError> {
    let release = tenants::version(context.database(), part.instance).await?;
    context.fenced().await?.ensure_template(context.database(), release).await?;
    let keys =
        Keys { from: key_of(context, part.instance).await?, to: key_of(context, context.tenant()).await? };
    let (name, sharing) = (Name::of(context.tenant()), Sharing { place: part.place.clone(), keys });
    Ok(context.fenced().await?.moves.keep(&part.database(), (&name, release), &sharing).await.map(drop)?)
}

/// What was restored is theirs, and nothing of it is active yet.
pub async fn replace(context: &In<'_>, part: &Workspace, state: &mut Restored) -> Result<(), StepError> {
    let (record, keys) = (context.database(), &context.observe().keys);
    let from = secrets::next_encryption_key(record, keys, context.tenant()).await?;
    let brought = bring(context, part, (Beside::Next, from), context.request().executions).await?;
    for one in &brought.missing {
        tracing::warn!(tenant_id = %context.tenant(), what = one.what, reason = one.why, "something of a backup does not come into a shared n8n");
    }
    // n8n ends as failed what is due before the tenant may run.
    workspace::set_waiting_aside(context, part).await?;
    state.counts = brought.counts;
    state.restored = Rest { workflows: brought.active, webhooks: brought.webhooks };
    Ok(())
}

/// What was there is theirs again, with all that ran.
pub async fn put_back(context: &In<'_>, part: &Workspace) -> Result<(), StepError> {
    let from = key_of(context, context.tenant()).await?;
    bring(context, part, (Beside::Former, from), true).await.map(drop)
}

async fn bring(
    context: &In<'_>,
    part: &Workspace,
    (beside, from): (Beside, SecretString),
    executions: bool,
) -> Result<Brought, StepError> {
    let keys = Keys { from, to: key_of(context, part.instance).await? };
    let bringing = Bringing { place: part.place.clone(), keys, onto: Onto::WhatTheyHave { executions } };
    let from = (&Name::of(context.tenant()), Some(beside));
    Ok(context.fenced().await?.moves.bring(from, &part.database(), &bringing).await?)
}

/// Of the tenant itself, or of the n8n that it shares.
async fn key_of(context: &In<'_>, tenant: TenantId) -> Result<SecretString, StepError> {
    secrets::encryption_key(context.database(), &context.observe().keys, tenant).await
}

/// What was active in the backup is active, if the tenant serves, and otherwise from when it is resumed.
pub async fn revive(context: &In<'_>, part: &Workspace, state: &Restored) -> Result<(), StepError> {
    note(context, &state.restored).await?;
    if !serves(context).await? {
        return Ok(());
    }
    workspace::revive(context, part).await?;
    workspace::put_waiting_back(context, part).await
}

/// Nothing is active again, and what was before is what is noted.
pub async fn close(context: &In<'_>, part: &Workspace, state: &Restored) -> Result<(), StepError> {
    workspace::close(context, part).await?;
    note(context, &state.rest).await
}

async fn note(context: &In<'_>, rest: &Rest) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    rests::replace(&mut transaction, context.tenant(), rest).await?;
    Ok(transaction.commit().await?)
}

/// What it has now.
pub async fn counts(context: &In<'_>, part: &Workspace) -> Result<Counts, StepError> {
    let gone = || StepError::failed(Kind::NotFound, "the n8n that the tenant shares is gone");
    workspace::count(context, part).await?.ok_or_else(gone)
}
