//! The tenant's address leads to where it lives; believed when the edge itself answers so.

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, Step, StepError, TenantRequest},
};
use edge::{Route, StandIn, routes::Ensured};
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{
    World,
    blueprint::{Answers, routes},
    callers::thawed,
    home::Home,
    store::{callers, homes, instances, tenants},
    wait,
};

pub struct PublishRoute;

#[async_trait]
impl Step<CreateTenant> for PublishRoute {
    fn name(&self) -> &'static str {
        "route"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        publish(context, None).await
    }

    async fn undo(&self, context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
        let tenant = context.tenant();
        let mut transaction = context.begin().await?;
        edge::routes::remove(&mut *transaction, tenant).await?;
        Ok(transaction.commit().await?)
    }
}

/// Puts the tenant's routes, to where it lives or to what stands in for it, and waits until the edge has them.
pub async fn publish(
    context: &Context<'_, World, impl TenantRequest>,
    stand_in: Option<StandIn>,
) -> Result<(), StepError> {
    lead_to(context, Answers::of(stand_in)).await
}

/// The same, to whatever answers for it.
pub async fn lead_to(
    context: &Context<'_, World, impl TenantRequest>,
    answers: Answers,
) -> Result<(), StepError> {
    put(context, answers).await?;
    confirmed(context, answers).await
}

/// Puts them, whether or not anybody answers where they lead to.
pub async fn lead(
    context: &Context<'_, World, impl TenantRequest>,
    stand_in: Option<StandIn>,
) -> Result<(), StepError> {
    put(context, Answers::of(stand_in)).await
}

async fn put<R: TenantRequest>(context: &Context<'_, World, R>, answers: Answers) -> Result<(), StepError> {
    let tenant = context.tenant();
    let mut routes = wanted(context, answers).await?;
    let mut transaction = context.begin().await?;
    let waited = callers::waited(&mut *transaction, tenant).await?;
    if edge::routes::differ(&mut *transaction, &routes).await? {
        let generation = tenants::next_generation(&mut *transaction, tenant).await?;
        routes.iter_mut().for_each(|route| route.generation = generation);
    }
    for route in &routes {
        if let Ensured::Superseded { by } = edge::routes::ensure(&mut *transaction, route).await? {
            let meanwhile = format!("the route of {} was changed meanwhile, by generation {by}", route.host);
            return Err(StepError::failed(Kind::Unavailable, meanwhile));
        }
    }
    edge::routes::remove_others(&mut *transaction, tenant, &routes).await?;
    transaction.commit().await?;
    if let (Some(waited), false) = (waited, matches!(answers, Answers::StandIn(_))) {
        thawed(R::KIND.name, waited);
    }
    Ok(())
}

/// Waits until the edge answers on the tenant's routes, and reaches what they lead to.
pub async fn confirm(
    context: &Context<'_, World, impl TenantRequest>,
    stand_in: Option<StandIn>,
) -> Result<(), StepError> {
    confirmed(context, Answers::of(stand_in)).await
}

async fn confirmed(
    context: &Context<'_, World, impl TenantRequest>,
    answers: Answers,
) -> Result<(), StepError> {
    if !matches!(answers, Answers::StandIn(_)) {
        let_the_edge_in(context).await?;
    }
    for route in wanted(context, answers).await? {
        let mark =
            route.mark().ok_or_else(|| StepError::failed(Kind::Internal, "the route leads nowhere"))?;
        let edge = &context.observe().edge;
        wait::for_edge(context.stopping(), || async { Ok(edge.confirm(&route.host, mark).await?) }).await?;
    }
    Ok(())
}

/// The edge's containers may have been made anew since the tenant's network was laid, and the reconciler lets a tenant alone that something is
/// done to: without this whoever waits for the edge would wait for ever.
async fn let_the_edge_in(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let home = homes::find(context.database(), context.tenant()).await?;
    if !matches!(home, Some(Home::Dedicated(_))) {
        return Ok(());
    }
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    Ok(context.fenced().await?.containers.ensure_network(&blueprint.network).await?)
}

async fn wanted(
    context: &Context<'_, World, impl TenantRequest>,
    answers: Answers,
) -> Result<Vec<Route>, StepError> {
    let row = tenants::get(context.database(), context.tenant()).await?;
    let instances = instances::of_tenant(context.database(), context.tenant()).await?;
    routes(&context.observe().site, &row, &instances, answers)
}
