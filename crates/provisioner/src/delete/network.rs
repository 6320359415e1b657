//! The network goes once nobody is in it.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError};
use engine::Selection;
use wire::kinds::TenantDelete;

use super::{DeleteTenant, Removal};
use crate::World;

pub struct RemoveNetwork;

#[async_trait]
impl Step<DeleteTenant> for RemoveNetwork {
    fn name(&self) -> &'static str {
        "network"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantDelete>,
        _: &mut Removal,
    ) -> Result<(), StepError> {
        let world = context.observe();
        world.is_home_of(context.database(), context.tenant()).await?;
        let inventory =
            world.containers.observe(&world.site.cluster, Selection::of(context.tenant())).await?;
        for network in inventory.networks {
            let network = network.reference();
            context.fenced().await?.containers.remove_network(&network).await?;
        }
        Ok(())
    }
}
