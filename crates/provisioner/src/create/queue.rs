//! A login in Redis that reaches the tenant's own prefix and nothing else.

use async_trait::async_trait;
use common::operations::{Context, Step, StepError, TenantRequest};
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::World;

pub struct Queue;

#[async_trait]
impl Step<CreateTenant> for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        ensure(context).await
    }

    async fn undo(&self, context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
        let tenant = context.tenant();
        Ok(context.fenced().await?.queues.remove(tenant).await?)
    }
}

/// It is there, with the tenant's password.
pub async fn ensure(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    let password = &blueprint.secrets.instance.redis_password;
    Ok(context.fenced().await?.queues.ensure_user(tenant, password).await?)
}
