//! What the own n8n of a tenant left that shares one again.

use common::operations::{Context, StepError, TenantRequest};
use n8n::databases::Name;

use crate::{
    World,
    create::remove_network,
    delete::remove_all,
    home::Home,
    store::{homes, instances, secrets, sizes, subnets},
};

/// Nothing of it is left. Of one that was moved out once more in the meantime it is in use again, and stays.
pub async fn clear(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let home = homes::find(context.database(), context.tenant()).await?;
    if let Some(Home::Shared(shared)) = home {
        remove(context).await?;
        let members = &context.fenced().await?.members;
        members.end_aside(&shared.database(), &shared.place.project).await?;
    }
    Ok(())
}

async fn remove(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let (tenant, name) = (context.tenant(), Name::of(context.tenant()));
    remove_all(context).await?;
    remove_network(context).await?;
    context.fenced().await?.queues.remove(tenant).await?;
    context.fenced().await?.databases.remove_database(&name).await?;
    context.fenced().await?.databases.remove_role(&name).await?;
    let mut transaction = context.begin().await?;
    give_back(&mut transaction, tenant).await?;
    Ok(transaction.commit().await?)
}

/// What was set aside for an n8n of its own is anybody's again.
pub async fn give_back(
    connection: &mut sqlx::PgConnection,
    tenant: common::id::TenantId,
) -> Result<(), StepError> {
    instances::remove_all(&mut *connection, tenant).await?;
    secrets::remove_own_n8n(&mut *connection, tenant).await?;
    sizes::forget_connections(&mut *connection, tenant).await?;
    Ok(subnets::give_back(connection, tenant).await?)
}
