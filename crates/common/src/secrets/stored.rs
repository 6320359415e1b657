//! Tenants' secrets among the record's rows.

use secrecy::SecretString;
use sqlx::PgExecutor;

use super::{MasterKeys, SecretError, Wrapped};
use crate::{
    error::{Classify, Kind},
    id::TenantId,
};

/// What a tenant's n8n encrypts its credentials with.
pub const ENCRYPTION_KEY: &str = "encryption_key";

/// The same of the database that was filled beside the tenant's.
pub const NEXT_ENCRYPTION_KEY: &str = "next_encryption_key";

/// Why a secret is not had, or not kept.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    #[error(transparent)]
    Record(#[from] sqlx::Error),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Classify for StoredError {
    fn kind(&self) -> Kind {
        match self {
            Self::Record(error) => error.kind(),
            Self::Secret(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Record(error) => error.hint(),
            Self::Secret(error) => error.hint(),
        }
    }

    fn public_detail(&self) -> String {
        match self {
            Self::Record(error) => error.public_detail(),
            Self::Secret(error) => error.public_detail(),
        }
    }
}

/// Opens a tenant's secret of this name, if it has one.
pub async fn find(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
    name: &str,
) -> Result<Option<SecretString>, StoredError> {
    let find = "select key_id, ciphertext from tenant_secrets where tenant_id = $1 and name = $2";
    let find = sqlx::query_as(find).bind(tenant).bind(name);
    let found: Option<(i32, Vec<u8>)> = find.fetch_optional(executor).await?;
    let Some((key_id, ciphertext)) = found else { return Ok(None) };
    Ok(Some(keys.open(tenant, name, &Wrapped { key_id, ciphertext })?))
}

/// Keeps it under this name, unless there is one already: that is never replaced.
pub async fn ensure(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
    (name, secret): (&str, &SecretString),
) -> Result<(), StoredError> {
    let insert = "insert into tenant_secrets (tenant_id, name, key_id, ciphertext) values ($1, $2, $3, $4)
                  on conflict (tenant_id, name) do nothing";
    write(executor, insert, keys, tenant, (name, secret)).await
}

/// Keeps it under this name, in place of whatever was there.
pub async fn put(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
    (name, secret): (&str, &SecretString),
) -> Result<(), StoredError> {
    let put = "insert into tenant_secrets (tenant_id, name, key_id, ciphertext) values ($1, $2, $3, $4)
               on conflict (tenant_id, name) do update set key_id = excluded.key_id, ciphertext = excluded.ciphertext";
    write(executor, put, keys, tenant, (name, secret)).await
}

/// Forgets it, if it is there.
pub async fn remove(executor: impl PgExecutor<'_>, tenant: TenantId, name: &str) -> Result<(), StoredError> {
    let remove = sqlx::query("delete from tenant_secrets where tenant_id = $1 and name = $2");
    Ok(remove.bind(tenant).bind(name).execute(executor).await.map(drop)?)
}

async fn write(
    executor: impl PgExecutor<'_>,
    statement: &'static str,
    keys: &MasterKeys,
    tenant: TenantId,
    (name, secret): (&str, &SecretString),
) -> Result<(), StoredError> {
    let Wrapped { key_id, ciphertext } = keys.wrap(tenant, name, secret)?;
    let write = sqlx::query(statement).bind(tenant).bind(name).bind(key_id).bind(ciphertext);
    write.execute(executor).await?;
    Ok(())
}
