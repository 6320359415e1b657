//! What belongs to the tenant alone is set aside: its place in a cluster, a subnet, names, secrets.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError};

use super::{CreateTenant, Nothing};
use crate::{
    World,
    store::{
        clusters,
        instances::{self, Instance},
        secrets, subnets, tenants,
    },
};

pub struct Reserve;

#[async_trait]
impl Step<CreateTenant> for Reserve {
    fn name(&self) -> &'static str {
        "reserve"
    }

    async fn run(&self, context: &Context<'_, World>, _: &mut Nothing) -> Result<(), StepError> {
        let (tenant, world) = (context.tenant(), context.observe());
        let mut transaction = context.begin().await?;
        clusters::ensure(&mut *transaction, &world.site).await?;
        let row = tenants::get(&mut *transaction, tenant).await?;
        let wanted = Instance::all_of(&row);
        instances::ensure(&mut transaction, world.site.cluster.as_str(), tenant, &wanted).await?;
        secrets::ensure(&mut transaction, &world.keys, tenant).await?;
        // Last, because every other reservation waits from here to the commit.
        subnets::ensure(&mut transaction, &world.site, tenant).await?;
        Ok(transaction.commit().await?)
    }

    /// The last undo: with it the tenant has failed, and its address and subnet are free again.
    async fn undo(&self, context: &Context<'_, World>, _: &Nothing) -> Result<(), StepError> {
        let (tenant, operation) = (context.tenant(), context.operation());
        let mut transaction = context.begin().await?;
        instances::remove_all(&mut *transaction, tenant).await?;
        secrets::remove_all(&mut *transaction, tenant).await?;
        tenants::fail(&mut *transaction, tenant, operation).await?;
        Ok(transaction.commit().await?)
    }
}
