//! Creating a sandbox: a tenant's backup, restored beside it. Nobody is made its owner: whoever is in the backup signs in as they do there.

use common::{
    error::Kind,
    operations::{Context, Step, StepError},
    tenant::TenantStatus,
};
use n8n::databases::Name;
use wire::kinds::{TenantCreate, TenantLoad};

use super::{
    CreateTenant, Nothing, containers::Containers, drill, network::Network, queue::Queue, ready::Ready,
    reserve, route::PublishRoute,
};
use crate::{
    World, loaded, role,
    step::step,
    store::{restores, tenants},
};

pub fn line(is_drill: bool) -> Vec<&'static dyn Step<CreateTenant>> {
    let mut line: Vec<&'static dyn Step<CreateTenant>> =
        vec![&Reserve, &Role, &Load, &Queue, &Network, &Containers, &Ready, &PublishRoute];
    if is_drill {
        line.extend(drill::LINE);
    }
    line.push(&Activate);
    line
}

step!(/** Its place, as any tenant's. */ Reserve of CreateTenant, "reserve", run reserve::reserve, undo release);
step!(/** Whose database it will be. */ Role of CreateTenant, "role", run role, undo remove_role);
step!(/** What the backup holds is in a database of the sandbox's own, and its encryption key among the sandbox's secrets. */ Load of CreateTenant, "load", run load, undo remove_database, limit loaded::LIMIT, part TenantLoad);
step!(/** It serves, and the restore is done. */ Activate of CreateTenant, "activate", run activate);

/// The last undo: with it the restore has failed, too.
async fn release(context: &Context<'_, World, TenantCreate>, nothing: &Nothing) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    restores::end(&mut *transaction, context.operation(), restores::FAILED).await?;
    transaction.commit().await?;
    reserve::release(context, nothing).await
}

async fn role(context: &Context<'_, World, TenantCreate>, _: &mut Nothing) -> Result<(), StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    role::ensure(context, &blueprint).await
}

async fn remove_role(context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
    let name = Name::of(context.tenant());
    Ok(context.fenced().await?.databases.remove_role(&name).await?)
}

async fn load(context: &Context<'_, World, TenantCreate>, _: &mut Nothing) -> Result<(), StepError> {
    let TenantCreate { from, executions, .. } = *context.request();
    let Some(backup) = from else {
        return Err(StepError::failed(Kind::Internal, "a sandbox was asked for without a backup"));
    };
    loaded::load(context, &TenantLoad { backup, executions, beside: false }).await.map(drop)
}

/// Whatever the part left.
async fn remove_database(context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
    let name = Name::of(context.tenant());
    Ok(context.fenced().await?.databases.remove_database(&name).await?)
}

async fn activate(context: &Context<'_, World, TenantCreate>, _: &mut Nothing) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    tenants::settle(&mut *transaction, context.operation(), TenantStatus::Active).await?;
    restores::end(&mut *transaction, context.operation(), restores::SUCCEEDED).await?;
    if let Some(backup) = context.request().from {
        restores::prove(&mut *transaction, backup).await?;
    }
    Ok(transaction.commit().await?)
}
