//! What is to be its own is set aside, as a new tenant's is.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
};

use super::{PromoteTenant, Promoted, begin::lived};
use crate::{
    create::{ensure_queue, fits, lay_network, remove_network, set_aside},
    home::here,
    retire::give_back,
    step::step,
    store::{sizes, tenants},
};

type In<'a> = ContextOf<'a, PromoteTenant>;

step!(/** Its place, as any tenant's. */ pub(super) Reserve of PromoteTenant, "reserve", run reserve, undo release);
step!(/** A login in Redis that reaches its own prefix and nothing else. */ pub(super) Queue of PromoteTenant, "queue", run queue, undo remove_queue);
step!(/** A network that only its containers and the shared servers are in. */ pub(super) Network of PromoteTenant, "network", run network, undo without_network);

async fn reserve(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let (tenant, site) = (context.tenant(), &context.observe().site);
    let shared = lived(context, state)?;
    here(&shared.cluster, &site.cluster)?;
    fits(context.observe(), &tenants::get(context.database(), tenant).await?).await?;
    let mut transaction = context.begin().await?;
    // What comes out of a shared n8n has that one's tables.
    let version = tenants::version(&mut *transaction, shared.instance).await?;
    tenants::runs(&mut *transaction, tenant, version).await?;
    // Whoever asks at the same time sees the same room.
    sizes::take_turn(&mut *transaction).await?;
    set_aside(context, &mut transaction).await?;
    let left = sizes::connections_left(&mut *transaction, site.cluster.as_str()).await?;
    if left.is_some_and(|left| left < 0) {
        let detail =
            "The tenants' database server has too few connections left for an n8n of the tenant's own.";
        return Err(StepError::failed(Kind::Conflict, detail));
    }
    Ok(transaction.commit().await?)
}

async fn release(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    give_back(&mut transaction, context.tenant()).await?;
    Ok(transaction.commit().await?)
}

async fn queue(context: &In<'_>, _: &mut Promoted) -> Result<(), StepError> {
    ensure_queue(context).await
}

async fn remove_queue(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    Ok(context.fenced().await?.queues.remove(context.tenant()).await?)
}

async fn network(context: &In<'_>, _: &mut Promoted) -> Result<(), StepError> {
    lay_network(context).await
}

async fn without_network(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    remove_network(context).await
}
