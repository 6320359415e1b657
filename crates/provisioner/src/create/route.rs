//! The tenant's address leads to its main; believed when the edge itself answers so.

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, Step, StepError, TenantRequest},
};
use edge::{StandIn, routes::Ensured};
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{World, store::tenants, wait};

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

/// Puts the tenant's routes, to its main or to what stands in for it, and waits until the edge has them.
pub async fn publish(
    context: &Context<'_, World, impl TenantRequest>,
    stand_in: Option<StandIn>,
) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let mut routes = context.observe().blueprint(record, tenant).await?.routes(stand_in)?;
    let mut transaction = context.begin().await?;
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
    confirm(context, stand_in).await
}

/// Waits until the edge answers on the tenant's routes, and reaches what they lead to.
pub async fn confirm(
    context: &Context<'_, World, impl TenantRequest>,
    stand_in: Option<StandIn>,
) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    for route in blueprint.routes(stand_in)? {
        let mark =
            route.mark().ok_or_else(|| StepError::failed(Kind::Internal, "the route leads nowhere"))?;
        let edge = &context.observe().edge;
        wait::until(context.stopping(), wait::EDGE, || async { Ok(edge.confirm(&route.host, mark).await?) })
            .await?;
    }
    Ok(())
}
