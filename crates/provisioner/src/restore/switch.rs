//! The databases change places, and the keys with them; or what is in a part of a shared n8n.

use common::operations::{ContextOf, StepError};
use n8n::databases::Name;

use super::{RestoreTenant, Restored, part};
use crate::{create::ensure_queue, delete::count, step::step, store::secrets, workspace};

type In<'a> = ContextOf<'a, RestoreTenant>;

step!(/** What was restored is in the tenant's place. */ pub(super) Switch of RestoreTenant, "switch", run switch, undo back);

async fn switch(context: &In<'_>, state: &mut Restored) -> Result<(), StepError> {
    if let Some(part) = workspace::of(context).await? {
        return part::replace(context, &part, state).await;
    }
    let (tenant, name) = (context.tenant(), Name::of(context.tenant()));
    // What it ran since it was last counted is not in what takes its place.
    count(context).await;
    context.fenced().await?.databases.put_in_place(&name).await?;
    empty_queue(context).await?;
    let mut transaction = context.begin().await?;
    secrets::put_next_key_in_place(&mut transaction, &context.observe().keys, tenant).await?;
    Ok(transaction.commit().await?)
}

async fn back(context: &In<'_>, _: &Restored) -> Result<(), StepError> {
    if let Some(part) = workspace::of(context).await? {
        return part::put_back(context, &part).await;
    }
    let (tenant, name) = (context.tenant(), Name::of(context.tenant()));
    let mut transaction = context.begin().await?;
    secrets::take_key_back(&mut transaction, &context.observe().keys, tenant).await?;
    transaction.commit().await?;
    context.fenced().await?.databases.take_back(&name).await.map(drop)?;
    empty_queue(context).await
}

/// What is left in it are executions that the other database has not, or others under the same numbers.
async fn empty_queue(context: &In<'_>) -> Result<(), StepError> {
    context.fenced().await?.queues.remove(context.tenant()).await?;
    ensure_queue(context).await
}
