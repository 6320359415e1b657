//! The same for one that shares an n8n: what it has there is replaced, and nobody else's is touched.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
};
use n8n::{
    copies::{Bringing, Keys, Onto, Sharing},
    databases::{Beside, Counts, Name},
};

use super::{RestoreTenant, Restored, begin::serves};
use crate::{
    home::Workspace,
    step::step,
    store::{
        rests::{self, Rest},
        secrets, tenants,
    },
    workspace,
};

type In<'a> = ContextOf<'a, RestoreTenant>;

step!(/** What it has in a shared n8n is in a database beside, from which it is put back. What is a tenant's own is kept by the switch. */ pub(super) Keep of RestoreTenant, "keep", run keep);

/// No trigger fires any more, and nobody gets in. What was active is kept.
pub async fn silence(context: &In<'_>, part: &Workspace, state: &mut Restored) -> Result<(), StepError> {
    // One that rests has nothing that is active: what was is noted since.
    if serves(context).await? {
        workspace::silence(context, part).await?;
    } else {
        workspace::close(context, part).await?;
    }
    state.rest = rests::find(context.database(), context.tenant()).await?;
    Ok(())
}

/// What waits for a time or a call does not go on meanwhile.
pub async fn set_aside(context: &In<'_>, part: &Workspace) -> Result<(), StepError> {
    let members = &context.fenced().await?.members;
    Ok(members.set_aside(&part.database(), &part.place.project).await.map(drop)?)
}

/// It goes on as before.
pub async fn wake(context: &In<'_>, part: &Workspace) -> Result<(), StepError> {
    let members = &context.fenced().await?.members;
    members.put_back(&part.database(), &part.place.project, None).await?;
    if !serves(context).await? {
        return Ok(());
    }
    workspace::revive(context, part).await?;
    workspace::awake(context).await
}

async fn keep(context: &In<'_>, _: &mut Restored) -> Result<(), StepError> {
    let Some(part) = workspace::of(context).await? else { return Ok(()) };
    let (record, world) = (context.database(), context.fenced().await?);
    let release = tenants::version(record, part.instance).await?;
    world.databases.ensure_template(release, &world.migration(record)).await?;
    let (theirs, shared) = keys(context, &part).await?;
    let sharing = Sharing { place: part.place.clone(), keys: Keys { from: shared, to: theirs } };
    let name = Name::of(context.tenant());
    Ok(context.fenced().await?.moves.keep(&part.database(), (&name, release), &sharing).await.map(drop)?)
}

/// What was restored is theirs, and nothing of it is active yet.
pub async fn replace(context: &In<'_>, part: &Workspace, state: &mut Restored) -> Result<(), StepError> {
    let (record, keys_of_all) = (context.database(), &context.observe().keys);
    let from = secrets::next_encryption_key(record, keys_of_all, context.tenant()).await?;
    let (_, to) = keys(context, part).await?;
    let onto = Onto::WhatTheyHave { executions: context.request().executions };
    let brought = bring(context, part, (Beside::Next, Keys { from, to }), onto).await?;
    for one in &brought.missing {
        tracing::warn!(tenant_id = %context.tenant(), what = one.what, reason = one.why, "something of a backup does not come into a shared n8n");
    }
    state.counts = brought.counts;
    state.restored = Rest { workflows: brought.active, webhooks: brought.webhooks };
    Ok(())
}

/// What was there is theirs again, with all that ran.
pub async fn put_back(context: &In<'_>, part: &Workspace) -> Result<(), StepError> {
    let (from, to) = keys(context, part).await?;
    let onto = Onto::WhatTheyHave { executions: true };
    bring(context, part, (Beside::Former, Keys { from, to }), onto).await.map(drop)
}

async fn bring(
    context: &In<'_>,
    part: &Workspace,
    (beside, keys): (Beside, Keys),
    onto: Onto,
) -> Result<n8n::copies::Brought, StepError> {
    let bringing = Bringing { place: part.place.clone(), keys, onto };
    let from = (&Name::of(context.tenant()), Some(beside));
    Ok(context.fenced().await?.moves.bring(from, &part.database(), &bringing).await?)
}

/// The tenant's own, and that of the n8n that it shares.
async fn keys(
    context: &In<'_>,
    part: &Workspace,
) -> Result<(secrecy::SecretString, secrecy::SecretString), StepError> {
    let (record, keys) = (context.database(), &context.observe().keys);
    let theirs = secrets::encryption_key(record, keys, context.tenant()).await?;
    Ok((theirs, secrets::encryption_key(record, keys, part.instance).await?))
}

/// What was active in the backup is active, if the tenant serves, and otherwise from when it is resumed.
pub async fn revive(context: &In<'_>, part: &Workspace, state: &Restored) -> Result<(), StepError> {
    note(context, Some(&state.restored)).await?;
    if serves(context).await? { workspace::revive(context, part).await } else { Ok(()) }
}

/// Nothing is active again, and what was before is what is noted.
pub async fn close(context: &In<'_>, part: &Workspace, state: &Restored) -> Result<(), StepError> {
    workspace::close(context, part).await?;
    note(context, state.rest.as_ref()).await
}

async fn note(context: &In<'_>, rest: Option<&Rest>) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    rests::forget(&mut *transaction, context.tenant()).await?;
    if let Some(rest) = rest {
        rests::note(&mut *transaction, context.tenant(), rest).await?;
    }
    Ok(transaction.commit().await?)
}

/// What it has now.
pub async fn counts(context: &In<'_>, part: &Workspace) -> Result<Counts, StepError> {
    let gone = || StepError::failed(Kind::NotFound, "the n8n that the tenant shares is gone");
    workspace::count(context, part).await?.ok_or_else(gone)
}
