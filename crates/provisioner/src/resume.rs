//! Bringing a suspended tenant back. A dedicated one's workflows were never deactivated, so what was active is active again once its main runs;
//! of one that shares an n8n it was noted.

use common::{
    operations::{Context, Saga, Step, StepError, TenantRequest},
    tenant::TenantStatus,
};
use edge::StandIn;
use wire::kinds::TenantResume;

use crate::{
    World,
    create::{Nothing, READY, Renewal, bring_up, publish, settle},
    delete::remove_all,
    heal,
    step::step,
    workspace,
};

/// From a tenant that rests to an active one.
pub struct ResumeTenant;

impl Saga for ResumeTenant {
    type World = World;
    type State = Nothing;
    type Request = TenantResume;

    fn steps(&self, _: &TenantResume) -> Vec<&dyn Step<Self>> {
        vec![&Surroundings, &Containers, &Route, &Active]
    }
}

step!(/** All that containers need, whatever happened to it meanwhile. */ Surroundings of ResumeTenant, "surroundings", run surroundings);
step!(/** Main and workers run, and say that they are ready. */ Containers of ResumeTenant, "containers", run start, undo stop);
step!(/** Callers reach it again. */ Route of ResumeTenant, "route", run route, undo page);
step!(/** It is so. */ Active of ResumeTenant, "active", run active, undo rest);

async fn surroundings(
    context: &Context<'_, World, impl TenantRequest>,
    _: &mut Nothing,
) -> Result<(), StepError> {
    context.may_begin().await?;
    match workspace::of(context).await? {
        Some(part) => workspace::ensure(context, &part).await,
        None => heal::surroundings(context).await,
    }
}

async fn start(context: &Context<'_, World, impl TenantRequest>, _: &mut Nothing) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(part) => {
            workspace::revive(context, &part).await?;
            workspace::put_waiting_back(context, &part).await
        }
        None => bring_up(context, Renewal::All, READY).await,
    }
}

async fn stop(context: &Context<'_, World, impl TenantRequest>, _: &Nothing) -> Result<(), StepError> {
    match workspace::of(context).await? {
        Some(part) => workspace::silence(context, &part).await,
        None => remove_all(context).await,
    }
}

async fn route(context: &Context<'_, World, impl TenantRequest>, _: &mut Nothing) -> Result<(), StepError> {
    publish(context, None).await
}

async fn page(context: &Context<'_, World, impl TenantRequest>, _: &Nothing) -> Result<(), StepError> {
    publish(context, Some(StandIn::Suspended)).await
}

async fn active(context: &Context<'_, World, impl TenantRequest>, _: &mut Nothing) -> Result<(), StepError> {
    settle(context, TenantStatus::Active).await?;
    // What is noted of one with an n8n of its own is what it had before, and its way back.
    match workspace::of(context).await? {
        Some(_) => workspace::awake(context).await,
        None => Ok(()),
    }
}

async fn rest(context: &Context<'_, World, impl TenantRequest>, _: &Nothing) -> Result<(), StepError> {
    settle(context, TenantStatus::Suspended).await
}
