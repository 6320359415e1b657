//! A network that only the tenant's containers and the shared servers are in.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError};

use super::{CreateTenant, Nothing};
use crate::{World, blueprint::network_name, store::tenants};

pub struct Network;

#[async_trait]
impl Step<CreateTenant> for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    async fn run(&self, context: &Context<'_, World>, _: &mut Nothing) -> Result<(), StepError> {
        let (record, tenant) = (context.database(), context.tenant());
        let blueprint = context.observe().blueprint(record, tenant).await?;
        Ok(context.fenced().await?.containers.ensure_network(&blueprint.network).await?)
    }

    async fn undo(&self, context: &Context<'_, World>, _: &Nothing) -> Result<(), StepError> {
        let row = tenants::get(context.database(), context.tenant()).await?;
        let world = context.fenced().await?;
        let network = engine::NetworkRef {
            name: network_name(&row),
            tenant: Some(row.id),
            cluster: world.site.cluster.clone(),
        };
        Ok(world.containers.remove_network(&network).await?)
    }
}
