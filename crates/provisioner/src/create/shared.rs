//! Creating a tenant that shares an n8n: rows in there, and a route.

use common::{
    error::Kind,
    operations::{Context, Step, StepError, TenantRequest},
};
use n8n::members::Place;
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing, activate::Activate, route::PublishRoute};
use crate::{
    World,
    home::Workspace,
    step::step,
    store::{homes, secrets, tenants},
    workspace,
};

pub fn line() -> Vec<&'static dyn Step<CreateTenant>> {
    vec![&Reserve, &Member, &PublishRoute, &Activate]
}

step!(/** Who it is in the n8n that it was given a place in. */ Reserve of CreateTenant, "reserve", run reserve, undo release);
step!(/** It is somebody there. */ Member of CreateTenant, "member", run join, undo leave);

async fn reserve(context: &Context<'_, World, TenantCreate>, _: &mut Nothing) -> Result<(), StepError> {
    let (tenant, keys) = (context.tenant(), &context.observe().keys);
    let mut transaction = context.begin().await?;
    homes::join(&mut *transaction, tenant, &Place::draw()?).await?;
    secrets::ensure_password(&mut *transaction, keys, tenant).await?;
    transaction.commit().await?;
    there(context).await.map(drop)
}

/// The last undo: with it the tenant has failed. Who it was nobody else ever is.
async fn release(context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
    let (tenant, operation) = (context.tenant(), context.operation());
    let mut transaction = context.begin().await?;
    secrets::remove_all(&mut *transaction, tenant).await?;
    tenants::fail(&mut transaction, tenant, operation).await?;
    Ok(transaction.commit().await?)
}

async fn join(context: &Context<'_, World, TenantCreate>, _: &mut Nothing) -> Result<(), StepError> {
    workspace::ensure(context, &there(context).await?).await
}

async fn leave(context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(workspace) => workspace::remove(context, &workspace).await,
        None => Ok(()),
    }
}

async fn there(context: &Context<'_, World, impl TenantRequest>) -> Result<Workspace, StepError> {
    let nowhere = || {
        StepError::failed(Kind::Internal, "the tenant was accepted without a place in an n8n that is shared")
    };
    workspace::of(context).await?.ok_or_else(nowhere)
}
