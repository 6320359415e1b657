//! Tenants' secrets: made once, wrapped, opened only where they are used.

use common::{
    error::Kind,
    id::{ResetId, TenantId},
    operations::StepError,
    secrets::{
        MasterKeys, SecretError, Wrapped,
        stored::{self, ENCRYPTION_KEY, NEXT_ENCRYPTION_KEY, StoredError},
    },
};
use n8n::{account, launch::Secrets};
use secrecy::SecretString;
use sqlx::{PgConnection, PgExecutor};

const JWT_SECRET: &str = "jwt_secret";
const DATABASE_PASSWORD: &str = "database_password";
const REDIS_PASSWORD: &str = "redis_password";
const OWNER_PASSWORD: &str = "owner_password";

/// Of an n8n that is shared: the platform's own way into it.
const API_KEY: &str = "api_key";

/// Everything secret about a tenant.
pub struct TenantSecrets {
    /// What its containers are started with.
    pub instance: Secrets,
    /// What its owner first signs in with.
    pub owner_password: SecretString,
}

/// Makes those secrets that are not there yet; one that is there is never replaced.
pub async fn ensure(
    connection: &mut PgConnection,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<(), StepError> {
    let fresh = [
        (ENCRYPTION_KEY, account::generate_key()?),
        (JWT_SECRET, account::generate_key()?),
        (DATABASE_PASSWORD, account::generate_key()?),
        (REDIS_PASSWORD, account::generate_key()?),
        (OWNER_PASSWORD, account::generate_password()?),
    ];
    for (name, secret) in fresh {
        stored::ensure(&mut *connection, keys, tenant, (name, &secret)).await?;
    }
    Ok(())
}

/// The same for one that shares an n8n, whose only secret is what it first signs in with.
pub async fn ensure_password(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<(), StepError> {
    let password = account::generate_password()?;
    Ok(stored::ensure(executor, keys, tenant, (OWNER_PASSWORD, &password)).await?)
}

/// Opens what the tenant's owner first signs in with.
pub async fn open_password(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SecretString, StepError> {
    stored::find(executor, keys, tenant, OWNER_PASSWORD).await?.ok_or_else(missing)
}

fn missing() -> StepError {
    StepError::failed(Kind::NotFound, "the tenant has no secrets: it is not, or no longer, set up")
}

/// Keeps the key by which the platform works in an n8n that is shared. It is the same each time, unless that n8n was made anew: its owner is another then.
pub async fn keep_api_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
    key: &SecretString,
) -> Result<(), StepError> {
    Ok(stored::put(executor, keys, tenant, (API_KEY, key)).await?)
}

/// Opens that key.
pub async fn open_api_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SecretString, StepError> {
    let none =
        || StepError::failed(Kind::NotFound, "the shared n8n has no key: it is not, or no longer, set up");
    stored::find(executor, keys, tenant, API_KEY).await?.ok_or_else(none)
}

/// Opens what its n8n encrypts with.
pub async fn encryption_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SecretString, StepError> {
    stored::find(executor, keys, tenant, ENCRYPTION_KEY).await?.ok_or_else(missing)
}

/// Opens what the database beside its own is encrypted with.
pub async fn next_encryption_key(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<SecretString, StepError> {
    stored::find(executor, keys, tenant, NEXT_ENCRYPTION_KEY).await?.ok_or_else(missing)
}

/// Forgets what only an n8n of its own needs.
pub async fn remove_own_n8n(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let names = [ENCRYPTION_KEY, JWT_SECRET, DATABASE_PASSWORD, REDIS_PASSWORD];
    let remove = sqlx::query("delete from tenant_secrets where tenant_id = $1 and name = any($2)");
    remove.bind(tenant).bind(names.as_slice()).execute(executor).await.map(drop)
}

/// Opens all secrets that are the tenant's own.
pub async fn open(
    executor: impl PgExecutor<'_>,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<TenantSecrets, StepError> {
    let rows: Vec<(String, i32, Vec<u8>)> =
        sqlx::query_as("select name, key_id, ciphertext from tenant_secrets where tenant_id = $1")
            .bind(tenant)
            .fetch_all(executor)
            .await?;
    let get = |wanted: &str| -> Result<SecretString, StepError> {
        let (name, key_id, ciphertext) = rows.iter().find(|row| row.0 == wanted).ok_or_else(missing)?;
        let wrapped = Wrapped { key_id: *key_id, ciphertext: ciphertext.clone() };
        Ok(keys.open(tenant, name, &wrapped)?)
    };
    Ok(TenantSecrets {
        instance: Secrets {
            encryption_key: get(ENCRYPTION_KEY)?,
            jwt_secret: get(JWT_SECRET)?,
            database_password: get(DATABASE_PASSWORD)?,
            redis_password: get(REDIS_PASSWORD)?,
            // The cluster's, not the tenant's: `World::secrets` has it.
            smtp_password: SecretString::default(),
        },
        owner_password: get(OWNER_PASSWORD)?,
    })
}

/// What was in use before another database took the tenant's place.
const FORMER_ENCRYPTION_KEY: &str = "former_encryption_key";

/// The key of the database that was filled beside the tenant's is the one in use; that one is the former one. Where none was put beside it
/// that was done before.
pub async fn put_next_key_in_place(
    connection: &mut PgConnection,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<(), StepError> {
    change_places(connection, keys, tenant, (NEXT_ENCRYPTION_KEY, FORMER_ENCRYPTION_KEY)).await
}

/// The way back.
pub async fn take_key_back(
    connection: &mut PgConnection,
    keys: &MasterKeys,
    tenant: TenantId,
) -> Result<(), StepError> {
    change_places(connection, keys, tenant, (FORMER_ENCRYPTION_KEY, NEXT_ENCRYPTION_KEY)).await
}

async fn change_places(
    connection: &mut PgConnection,
    keys: &MasterKeys,
    tenant: TenantId,
    (from, to): (&str, &str),
) -> Result<(), StepError> {
    let Some(coming) = stored::find(&mut *connection, keys, tenant, from).await? else { return Ok(()) };
    let going = stored::find(&mut *connection, keys, tenant, ENCRYPTION_KEY).await?.ok_or_else(missing)?;
    stored::put(&mut *connection, keys, tenant, (to, &going)).await?;
    stored::put(&mut *connection, keys, tenant, (ENCRYPTION_KEY, &coming)).await?;
    Ok(stored::remove(connection, tenant, from).await?)
}

/// Only the key in use is left.
pub async fn forget_other_keys(connection: &mut PgConnection, tenant: TenantId) -> Result<(), StoredError> {
    for name in [NEXT_ENCRYPTION_KEY, FORMER_ENCRYPTION_KEY] {
        stored::remove(&mut *connection, tenant, name).await?;
    }
    Ok(())
}

/// The owner's password as the record has it, until the transaction is over nobody else's to change.
pub struct OwnerPassword {
    /// Which reset made it; `None`: it is the first one.
    pub reset: Option<ResetId>,
    wrapped: Wrapped,
}

impl OwnerPassword {
    /// Locks the tenant's; `None`: it has none, or no longer.
    pub async fn lock(connection: &mut PgConnection, tenant: TenantId) -> Result<Option<Self>, sqlx::Error> {
        let found = sqlx::query_as(
            "select reset_id, key_id, ciphertext from tenant_secrets where tenant_id = $1 and name = $2 for update",
        );
        let found: Option<(Option<ResetId>, i32, Vec<u8>)> =
            found.bind(tenant).bind(OWNER_PASSWORD).fetch_optional(connection).await?;
        Ok(found.map(|(reset, key_id, ciphertext)| Self { reset, wrapped: Wrapped { key_id, ciphertext } }))
    }

    /// Which reset was accepted last for the tenant, whether it has been done or not.
    pub async fn accepted_reset(
        executor: impl PgExecutor<'_>,
        tenant: TenantId,
    ) -> Result<Option<ResetId>, sqlx::Error> {
        let found = sqlx::query_scalar("select accepted_reset_id from tenants where id = $1").bind(tenant);
        Ok(found.fetch_optional(executor).await?.flatten())
    }

    /// The password itself.
    pub fn open(&self, keys: &MasterKeys, tenant: TenantId) -> Result<SecretString, SecretError> {
        keys.open(tenant, OWNER_PASSWORD, &self.wrapped)
    }

    /// Puts another in its place.
    pub async fn replace(
        connection: &mut PgConnection,
        keys: &MasterKeys,
        tenant: TenantId,
        (reset, password): (ResetId, &SecretString),
    ) -> Result<(), StepError> {
        let wrapped = keys.wrap(tenant, OWNER_PASSWORD, password)?;
        let update =
            "update tenant_secrets set reset_id = $3, key_id = $4, ciphertext = $5, created_at = now()
                      where tenant_id = $1 and name = $2";
        sqlx::query(update)
            .bind(tenant)
            .bind(OWNER_PASSWORD)
            .bind(reset)
            .bind(wrapped.key_id)
            .bind(wrapped.ciphertext)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Forgets them. What opens the tenant's backups stays for as long as there are any, and goes with the last of them.
pub async fn remove_all(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let remove = "delete from tenant_secrets s where s.tenant_id = $1
                     and not (s.name = 'backup_key'
                              and exists (select from backups b where b.tenant_id = $1 and b.status not in ('failed', 'removed')))";
    sqlx::query(remove).bind(tenant).execute(executor).await.map(drop)
}
