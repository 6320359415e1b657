//! The two secrets of a tenant's that backups need: n8n's own key, which goes along, and what opens its backups.

use common::{
    error::Kind,
    id::TenantId,
    operations::StepError,
    secrets::{MasterKeys, Wrapped},
};
use objects::seal::SealKey;
use secrecy::SecretString;
use sqlx::PgExecutor;

const ENCRYPTION_KEY: &str = "encryption_key";
const BACKUP_KEY: &str = "backup_key";

/// What n8n encrypts its credentials with.
pub async fn encryption_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SecretString, StepError> {
    open(executor, keys, tenant, ENCRYPTION_KEY).await?.ok_or_else(|| missing("encryption key"))
}

/// Puts another in its place, of a database that was loaded.
pub async fn put_encryption_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
    key: &SecretString,
) -> Result<(), StepError> {
    let Wrapped { key_id, ciphertext } = keys.wrap(tenant, ENCRYPTION_KEY, key)?;
    let put = "insert into tenant_secrets (tenant_id, name, key_id, ciphertext) values ($1, $2, $3, $4)
               on conflict (tenant_id, name) do update set key_id = excluded.key_id, ciphertext = excluded.ciphertext";
    let put = sqlx::query(put).bind(tenant).bind(ENCRYPTION_KEY).bind(key_id).bind(ciphertext);
    put.execute(executor).await?;
    Ok(())
}

/// What opens the tenant's backups.
pub async fn backup_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SealKey, StepError> {
    let text =
        open(executor, keys, tenant, BACKUP_KEY).await?.ok_or_else(|| missing("key to its backups"))?;
    Ok(SealKey::read(&text)?)
}

/// Makes it, unless it is there: it stays the same for as long as there are backups.
pub async fn ensure_backup_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<(), StepError> {
    let Wrapped { key_id, ciphertext } = keys.wrap(tenant, BACKUP_KEY, &SealKey::generate().text())?;
    let insert = "insert into tenant_secrets (tenant_id, name, key_id, ciphertext) values ($1, $2, $3, $4)
                  on conflict (tenant_id, name) do nothing";
    let insert = sqlx::query(insert).bind(tenant).bind(BACKUP_KEY).bind(key_id).bind(ciphertext);
    insert.execute(executor).await?;
    Ok(())
}

async fn open(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
    name: &str,
) -> Result<Option<SecretString>, StepError> {
    let find = "select key_id, ciphertext from tenant_secrets where tenant_id = $1 and name = $2";
    let find = sqlx::query_as(find).bind(tenant).bind(name);
    let found: Option<(i32, Vec<u8>)> = find.fetch_optional(executor).await?;
    let Some((key_id, ciphertext)) = found else { return Ok(None) };
    Ok(Some(keys.open(tenant, name, &Wrapped { key_id, ciphertext })?))
}

fn missing(what: &str) -> StepError {
    StepError::failed(Kind::NotFound, format!("The tenant has no {what}: it is not, or no longer, set up."))
}
