//! The master keys that the record knows, and what is wrapped with each.

use common::{id::TenantId, secrets::Wrapped};
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};

/// A key as it was first seen.
pub struct Known {
    pub id: i32,
    pub fingerprint: Vec<u8>,
    pub retired: bool,
}

/// Notes keys that are not known yet. Those that are stay as they are.
pub async fn note(pool: &PgPool, keys: &[(i32, [u8; 32])]) -> Result<(), sqlx::Error> {
    let (ids, fingerprints): (Vec<i32>, Vec<&[u8]>) =
        keys.iter().map(|(id, print)| (*id, print.as_slice())).unzip();
    let note = "insert into master_keys (id, fingerprint) select * from unnest($1::int[], $2::bytea[])
                on conflict (id) do nothing";
    sqlx::query(note).bind(ids).bind(fingerprints).execute(pool).await.map(drop)
}

/// All that were ever noted.
pub async fn known(pool: &PgPool) -> Result<Vec<Known>, sqlx::Error> {
    let known = sqlx::query("select id, fingerprint, retired_at is not null as retired from master_keys");
    let read = |row: PgRow| {
        Ok(Known {
            id: row.try_get("id")?,
            fingerprint: row.try_get("fingerprint")?,
            retired: row.try_get("retired")?,
        })
    };
    known.try_map(read).fetch_all(pool).await
}

/// How many secrets are wrapped with each key, in the order of their ids.
pub async fn in_use(pool: &PgPool) -> Result<Vec<(i32, i64)>, sqlx::Error> {
    sqlx::query_as("select key_id, count(*) from tenant_secrets group by key_id order by key_id")
        .fetch_all(pool)
        .await
}

/// A secret, with whose it is and what it is for.
pub struct Secret {
    pub tenant: TenantId,
    pub name: String,
    pub wrapped: Wrapped,
}

impl Secret {
    fn read(row: PgRow) -> Result<Self, sqlx::Error> {
        let wrapped = Wrapped { key_id: row.try_get("key_id")?, ciphertext: row.try_get("ciphertext")? };
        Ok(Self { tenant: row.try_get("tenant_id")?, name: row.try_get("name")?, wrapped })
    }
}

/// Some that are wrapped with this key.
pub async fn sample(pool: &PgPool, key: i32) -> Result<Vec<Secret>, sqlx::Error> {
    let some = "select tenant_id, name, key_id, ciphertext from tenant_secrets where key_id = $1 limit 20";
    sqlx::query(some).bind(key).try_map(Secret::read).fetch_all(pool).await
}

/// Locks some that are wrapped with older keys than this one, passing over those that somebody else holds and those left out.
pub async fn claim_older(
    connection: &mut PgConnection,
    key: i32,
    left_out: &[(TenantId, String)],
    most: i64,
) -> Result<Vec<Secret>, sqlx::Error> {
    let (tenants, names): (Vec<TenantId>, Vec<&str>) =
        left_out.iter().map(|(tenant, name)| (*tenant, name.as_str())).unzip();
    let claim = "select tenant_id, name, key_id, ciphertext from tenant_secrets
                  where key_id < $1 and (tenant_id, name) not in (select * from unnest($2::uuid[], $3::text[]))
                  order by tenant_id, name limit $4 for update skip locked";
    let claim = sqlx::query(claim).bind(key).bind(tenants).bind(names).bind(most);
    claim.try_map(Secret::read).fetch_all(connection).await
}

/// Writes them as they are wrapped now.
pub async fn rewrap(connection: &mut PgConnection, secrets: &[Secret]) -> Result<(), sqlx::Error> {
    let tenants: Vec<_> = secrets.iter().map(|secret| secret.tenant).collect();
    let names: Vec<_> = secrets.iter().map(|secret| secret.name.as_str()).collect();
    let keys: Vec<_> = secrets.iter().map(|secret| secret.wrapped.key_id).collect();
    let texts: Vec<_> = secrets.iter().map(|secret| secret.wrapped.ciphertext.as_slice()).collect();
    let rewrap = "update tenant_secrets s set key_id = n.key_id, ciphertext = n.ciphertext
                    from unnest($1::uuid[], $2::text[], $3::int[], $4::bytea[]) n(tenant_id, name, key_id, ciphertext)
                   where s.tenant_id = n.tenant_id and s.name = n.name";
    sqlx::query(rewrap).bind(tenants).bind(names).bind(keys).bind(texts).execute(connection).await.map(drop)
}

/// Retires a key if nothing is wrapped with it. Whoever is just about to do so is waited for.
pub async fn retire(connection: &mut PgConnection, key: i32) -> Result<bool, sqlx::Error> {
    sqlx::query("select from master_keys where id = $1 for update")
        .bind(key)
        .execute(&mut *connection)
        .await?;
    // A statement of its own: it sees what was committed while the row was waited for.
    let retire = "update master_keys set retired_at = now()
                   where id = $1 and not exists (select from tenant_secrets where key_id = $1)";
    let retired = sqlx::query(retire).bind(key).execute(connection).await?;
    Ok(retired.rows_affected() > 0)
}
