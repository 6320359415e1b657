//! The instance gets its owner and our API key before it first starts: nobody else can ever claim it. One that is to be shared gets what keeps
//! its tenants apart as well, and the platform keeps the key, by which it will work in there.

use async_trait::async_trait;
use common::{
    operations::{Context, Step, StepError, TenantRequest},
    tenant::Purpose,
};
use n8n::{
    account::{ApiKeySigner, OwnerId},
    databases::{ApiKeyRow, Name, Owner},
};
use wire::kinds::TenantCreate;

use super::{CreateTenant, Nothing};
use crate::{World, blueprint::Blueprint, passwords, store::secrets};

/// Tells our key from those the owner makes.
const KEY_LABEL: &str = "rp9 control plane";

pub struct SeedOwner;

#[async_trait]
impl Step<CreateTenant> for SeedOwner {
    fn name(&self) -> &'static str {
        "owner"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        seed_owner(context).await
    }
}

/// Whoever it belongs to, and the platform's key to it.
pub async fn seed_owner(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    let row = &blueprint.tenant;
    let password_hash =
        passwords::hash(context.observe().password_cost, &blueprint.secrets.owner_password).await?;
    let (first_name, last_name) = names(&row.name);
    let owner = Owner { email: row.email.clone(), first_name, last_name, password_hash };
    let name = Name::of(tenant);
    let owner_id = context.fenced().await?.databases.seed_owner(&name, &owner).await?;
    seed_key(context, &blueprint, owner_id).await?;
    // Before n8n first runs, too. No step of its own: creations that are under way when a release comes could not go on with another line.
    if row.purpose == Purpose::Shared {
        context.fenced().await?.databases.ensure_shared_schema(&name).await?;
    }
    Ok(())
}

/// The platform's own key to the instance, in its owner's name.
pub async fn seed_key(
    context: &Context<'_, World, impl TenantRequest>,
    blueprint: &Blueprint,
    owner: OwnerId,
) -> Result<(), StepError> {
    let (tenant, row) = (context.tenant(), &blueprint.tenant);
    // The same claims each time, so that the key can be computed again wherever it is needed.
    let signer = ApiKeySigner { secret: &blueprint.secrets.instance.jwt_secret };
    let token = signer.sign(owner, tenant.uuid(), row.created_at)?;
    if row.purpose == Purpose::Shared {
        let mut transaction = context.begin().await?;
        secrets::keep_api_key(&mut *transaction, &context.observe().keys, tenant, &token).await?;
        transaction.commit().await?;
    }
    let key = ApiKeyRow { label: KEY_LABEL.into(), token };
    Ok(context.fenced().await?.databases.seed_api_key(&Name::of(tenant), &key).await?)
}

/// n8n wants a first and a last name, at most 32 characters each; a customer has one name.
pub fn names(name: &str) -> (String, String) {
    let (first, last) = name.trim().split_once(' ').unwrap_or((name.trim(), "Owner"));
    let short = |text: &str| text.trim().chars().take(32).collect::<String>();
    (short(first), short(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_one_name_becomes_the_two_that_n8n_wants() {
        assert_eq!(names("Ada Lovelace"), ("Ada".into(), "Lovelace".into()));
        assert_eq!(names(" Acme "), ("Acme".into(), "Owner".into()));
        assert_eq!(names(&"x".repeat(100)).0.len(), 32);
    }
}
