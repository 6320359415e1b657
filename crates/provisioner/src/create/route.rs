//! The tenant's address leads to its main; believed when the edge itself answers so.

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, Step, StepError},
};

use super::{CreateTenant, Nothing};
use crate::{World, wait};

pub struct PublishRoute;

#[async_trait]
impl Step<CreateTenant> for PublishRoute {
    fn name(&self) -> &'static str {
        "route"
    }

    async fn run(&self, context: &Context<'_, World>, _: &mut Nothing) -> Result<(), StepError> {
        let (record, tenant) = (context.database(), context.tenant());
        let blueprint = context.observe().blueprint(record, tenant).await?;
        let routes = blueprint.routes()?;
        let mut transaction = context.begin().await?;
        for route in &routes {
            edge::routes::ensure(&mut *transaction, route).await?;
        }
        transaction.commit().await?;
        confirm(context).await
    }

    async fn undo(&self, context: &Context<'_, World>, _: &Nothing) -> Result<(), StepError> {
        let tenant = context.tenant();
        let mut transaction = context.begin().await?;
        edge::routes::remove(&mut *transaction, tenant).await?;
        Ok(transaction.commit().await?)
    }
}

/// Waits until the edge answers on the tenant's routes and reaches its main.
pub async fn confirm(context: &Context<'_, World>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    for route in blueprint.routes()? {
        let mark =
            route.mark().ok_or_else(|| StepError::failed(Kind::Internal, "the route leads nowhere"))?;
        let edge = &context.observe().edge;
        wait::until(context.stopping(), wait::EDGE, || async { Ok(edge.confirm(&route.host, mark).await?) })
            .await?;
    }
    Ok(())
}
