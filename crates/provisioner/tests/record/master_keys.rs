//! Master keys on a real record: which ones are taken, and rotating them under load.

mod fit;
mod load;
mod process;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{
    config::Env,
    id::TenantId,
    secrets::{MasterKeys, SecretError, Wrapped},
};
use secrecy::ExposeSecret;
use sqlx::PgPool;

/// A made-up key under this id, in the form of the configuration.
pub fn named(id: u8) -> String {
    format!("{id}={}", STANDARD.encode([id + 6; 32]))
}

/// The first of these wraps, the others open. The first one of all is what [`crate::support::Fakes`] has.
pub fn keys(ids: &[u8]) -> MasterKeys {
    let others: Vec<_> = ids[1..].iter().map(|id| named(*id)).collect();
    Env::of([("MASTER_KEY", named(ids[0])), ("MASTER_KEYS_OLD", others.join(","))]).load().unwrap()
}

type Texts = BTreeMap<(TenantId, String), String>;

pub async fn rows(pool: &PgPool) -> Vec<(TenantId, String, Wrapped)> {
    let rows: Vec<(TenantId, String, i32, Vec<u8>)> =
        sqlx::query_as("select tenant_id, name, key_id, ciphertext from tenant_secrets")
            .fetch_all(pool)
            .await
            .unwrap();
    rows.into_iter()
        .map(|(tenant, name, key_id, ciphertext)| (tenant, name, Wrapped { key_id, ciphertext }))
        .collect()
}

/// Every secret there is, opened.
pub async fn opened(pool: &PgPool, keys: &MasterKeys) -> Texts {
    let open = |(tenant, name, wrapped): (TenantId, String, Wrapped)| {
        let text = keys.open(tenant, &name, &wrapped).unwrap().expose_secret().to_owned();
        ((tenant, name), text)
    };
    rows(pool).await.into_iter().map(open).collect()
}

/// Whether these keys open nothing at all.
pub async fn open_nothing(pool: &PgPool, keys: &MasterKeys) -> bool {
    let refused = |(tenant, name, wrapped): (TenantId, String, Wrapped)| {
        matches!(keys.open(tenant, &name, &wrapped), Err(SecretError::UnknownKey | SecretError::Refused))
    };
    rows(pool).await.into_iter().all(refused)
}

/// So many secrets of one tenant, wrapped with these keys.
pub async fn fill(pool: &PgPool, keys: &MasterKeys, count: usize) -> TenantId {
    let tenant = TenantId::generate();
    let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
                  values ($1, 'Acme', 'a@acme.example', $2, 'dedicated', 'active', 'pro', '2.41.1')";
    let subdomain = format!("t{}", &tenant.digits()[16..]);
    sqlx::query(insert).bind(tenant).bind(subdomain).execute(pool).await.unwrap();
    let names: Vec<String> = (0..count).map(|number| format!("secret_{number}")).collect();
    let wrapped: Vec<Wrapped> = names
        .iter()
        .map(|name| keys.wrap(tenant, name, &format!("text of {name}").into()).unwrap())
        .collect();
    let texts: Vec<&[u8]> = wrapped.iter().map(|wrapped| wrapped.ciphertext.as_slice()).collect();
    let insert = "insert into tenant_secrets (tenant_id, name, key_id, ciphertext)
                  select $1, name, $2, text from unnest($3::text[], $4::bytea[]) as n(name, text)";
    sqlx::query(insert)
        .bind(tenant)
        .bind(keys.current())
        .bind(&names)
        .bind(texts)
        .execute(pool)
        .await
        .unwrap();
    tenant
}

pub async fn count_under(pool: &PgPool, key: i32) -> i64 {
    let count = sqlx::query_scalar("select count(*) from tenant_secrets where key_id = $1").bind(key);
    count.fetch_one(pool).await.unwrap()
}
