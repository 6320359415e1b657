//! The two secrets of a tenant's that backups need: n8n's own key, which goes along, and what opens its backups.

use common::{
    error::Kind,
    id::TenantId,
    operations::StepError,
    secrets::{
        MasterKeys,
        stored::{self, ENCRYPTION_KEY},
    },
};
use objects::seal::SealKey;
use secrecy::SecretString;
use sqlx::PgExecutor;

const BACKUP_KEY: &str = "backup_key";

/// What n8n encrypts its credentials with.
pub async fn encryption_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SecretString, StepError> {
    stored::find(executor, keys, tenant, ENCRYPTION_KEY).await?.ok_or_else(|| missing("encryption key"))
}

/// What opens the tenant's backups.
pub async fn backup_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SealKey, StepError> {
    let text = stored::find(executor, keys, tenant, BACKUP_KEY)
        .await?
        .ok_or_else(|| missing("key to its backups"))?;
    Ok(SealKey::read(&text)?)
}

/// Makes it, unless it is there: it stays the same for as long as there are backups.
pub async fn ensure_backup_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<(), StepError> {
    let key = SealKey::generate().text();
    Ok(stored::ensure(executor, keys, tenant, (BACKUP_KEY, &key)).await?)
}

fn missing(what: &str) -> StepError {
    StepError::failed(Kind::NotFound, format!("The tenant has no {what}: it is not, or no longer, set up."))
}
