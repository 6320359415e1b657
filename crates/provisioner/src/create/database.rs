//! A role and a database of its own, cloned from a template that is at the tenant's n8n version already.

use std::time::Duration;

use async_trait::async_trait;
use common::operations::{Context, Step, StepError, TenantRequest};
use n8n::databases::Name;
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{World, role};

pub struct Database;

#[async_trait]
impl Step<CreateTenant> for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        ensure(context).await
    }

    async fn undo(&self, context: &Context<'_, World, TenantCreate>, _: &Nothing) -> Result<(), StepError> {
        let name = Name::of(context.tenant());
        context.fenced().await?.databases.remove_database(&name).await?;
        Ok(context.fenced().await?.databases.remove_role(&name).await?)
    }
}

/// The first one of a version waits for n8n's image and its migrations, and everybody else for the first.
pub const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Both are there.
pub async fn ensure(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    let (name, version) = (Name::of(tenant), blueprint.home.version);
    context.fenced().await?.ensure_template(record, version).await?;
    role::ensure(context, &blueprint).await?;
    Ok(context.fenced().await?.databases.ensure_database(&name, &name, version).await?)
}
