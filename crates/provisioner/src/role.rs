//! The login that a tenant's containers have at the server of its database.

use common::operations::{Context, StepError, TenantRequest};
use n8n::databases::Name;

use crate::{World, blueprint::Blueprint};

/// It is there, with the tenant's password and with as many connections as its containers may want.
pub async fn ensure(
    context: &Context<'_, World, impl TenantRequest>,
    blueprint: &Blueprint,
) -> Result<(), StepError> {
    let (name, limit) = (Name::of(context.tenant()), blueprint.connection_limit());
    let password = &blueprint.secrets.instance.database_password;
    Ok(context.fenced().await?.databases.ensure_role(&name, password, limit).await?)
}
