//! A network that only the tenant's containers and the shared servers are in.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError, TenantRequest};
use engine::ContainerError;
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{
    World,
    blueprint::network_name,
    store::{
        subnets::{self, SubnetError},
        tenants,
    },
};

pub struct Network;

#[async_trait]
impl Step<CreateTenant> for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    /// Nothing of the tenant runs yet, so a range that somebody else has is exchanged for another.
    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        lay(context).await
    }

    async fn undo(&self, context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
        remove(context).await
    }
}

/// Lays it where nothing of the tenant runs yet.
pub async fn lay(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    for _ in 0..subnets::EXCHANGES {
        let blueprint = context.observe().blueprint(record, tenant).await?;
        match context.fenced().await?.containers.ensure_network(&blueprint.network).await {
            Err(ContainerError::SubnetTaken { subnet, by, .. }) => {
                let (site, taken) = (&context.observe().site, by.unwrap_or(subnet));
                let mut noting = context.begin().await?;
                subnets::note(&mut *noting, site, taken).await?;
                noting.commit().await?;
                let mut transaction = context.begin().await?;
                subnets::exchange(&mut transaction, site, tenant, taken).await?;
                transaction.commit().await?;
            }
            done => return Ok(done?),
        }
    }
    Err(SubnetError::Squatted.into())
}

/// It goes.
pub async fn remove(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let row = tenants::get(context.database(), context.tenant()).await?;
    let world = context.fenced().await?;
    let network = engine::NetworkRef {
        name: network_name(&row),
        tenant: Some(row.id),
        cluster: world.site.cluster.clone(),
    };
    Ok(world.containers.remove_network(&network).await?)
}
