//! API keys.

mod create;

use std::collections::HashMap;

use common::id::{KeyId, TenantId};
use serde::Serialize;
use sqlx::{FromRow, PgExecutor, PgPool};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{auth::Visible, http::cursor::Page, vocabulary};

pub use create::{CreateKey, MOST_OF_A_TENANT, MOST_OF_STAFF};

/// A key as gateways know it.
#[derive(Debug, Clone)]
pub struct KeyRow {
    pub id: KeyId,
    pub hash: Vec<u8>,
    pub role: String,
    pub tenants: Option<Vec<TenantId>>,
    pub scopes: Vec<String>,
    pub ancestors: Vec<KeyId>,
    pub expires_at: OffsetDateTime,
    pub revoked: bool,
}

/// What happened to keys.
#[derive(Debug)]
pub struct Changes {
    /// Where the record is.
    pub revision: i64,
    pub keys: Vec<KeyRow>,
}

/// One row of the answer: the columns of a key are null where there is none.
#[derive(FromRow)]
struct Change {
    revision: i64,
    id: Option<KeyId>,
    hash: Option<Vec<u8>>,
    role: Option<String>,
    tenants: Option<Vec<TenantId>>,
    scopes: Option<Vec<String>>,
    ancestors: Option<Vec<KeyId>>,
    expires_at: Option<OffsetDateTime>,
    revoked: bool,
}

impl Change {
    fn key(self) -> Option<KeyRow> {
        Some(KeyRow {
            id: self.id?,
            hash: self.hash?,
            role: self.role?,
            tenants: self.tenants,
            scopes: self.scopes?,
            ancestors: self.ancestors?,
            expires_at: self.expires_at?,
            revoked: self.revoked,
        })
    }
}

/// What became of keys since this revision? From the beginning: which are good?
pub async fn changes(executor: impl PgExecutor<'_>, known: i64) -> Result<Changes, sqlx::Error> {
    let rows: Vec<Change> = sqlx::query_as(
        "select r.revision, k.id, k.hash, k.role, k.tenants, k.scopes, k.ancestors, k.expires_at,
                k.revoked_at is not null as revoked
           from api_key_revision r
           left join api_keys k on k.revision > $1 and ($1 > 0 or k.revoked_at is null and k.expires_at > now())",
    )
    .bind(known)
    .fetch_all(executor)
    .await?;
    // There is one row of `api_key_revision`.
    let revision = rows.first().map(|row| row.revision).ok_or(sqlx::Error::RowNotFound)?;
    Ok(Changes { revision, keys: rows.into_iter().filter_map(Change::key).collect() })
}

/// Notes when keys were used. One that another gateway writes to at this moment is left to it.
pub async fn note_used(database: &PgPool, used: &HashMap<KeyId, OffsetDateTime>) -> Result<(), sqlx::Error> {
    let (ids, moments): (Vec<KeyId>, Vec<OffsetDateTime>) = used.iter().map(|(id, at)| (*id, *at)).unzip();
    sqlx::query(
        "update api_keys k set last_used_at = greatest(k.last_used_at, used.at)
           from (select k.id, u.at from unnest($1::uuid[], $2::timestamptz[]) u (id, at) join api_keys k on k.id = u.id
                    for update of k skip locked) used
          where k.id = used.id",
    )
    .bind(ids)
    .bind(moments)
    .execute(database)
    .await?;
    Ok(())
}

/// A key, without what proves it.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct ApiKey {
    #[schema(value_type = String, example = "key_0198c0de0000700080000000000000dd")]
    pub id: KeyId,
    #[schema(example = "Portal")]
    pub name: String,
    #[schema(value_type = vocabulary::CallerRole)]
    pub role: String,
    /// Of an owner's key: the tenants that exist for it.
    #[schema(value_type = Option<Vec<String>>)]
    pub tenants: Option<Vec<TenantId>>,
    #[schema(value_type = Vec<vocabulary::KeyScopes>)]
    pub scopes: Vec<String>,
    /// `active`, `expired` or `revoked`.
    #[schema(value_type = vocabulary::KeyState)]
    pub state: String,
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
    /// The subject of a token, or the id of a key.
    pub created_by: String,
    #[serde(with = "rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Up to ten seconds behind.
    #[serde(with = "rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
    /// It, or a key that it was made with.
    #[serde(with = "rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
    pub revoked_by: Option<String>,
}

/// Every question about keys begins like this. `$1` and `$2` are the roles and the tenants that the caller may know of.
macro_rules! api_keys {
    ($rest:literal) => {
        concat!(
            "select * from (
                 select k.id, k.name, k.role, k.tenants, k.scopes, k.created_at, k.created_by, k.expires_at, k.last_used_at,
                        dead.at as revoked_at, dead.by as revoked_by,
                        case when dead.at is not null then 'revoked' when k.expires_at <= now() then 'expired'
                             else 'active' end as state
                   from api_keys k
                   left join lateral (
                       select a.revoked_at as at, a.revoked_by as by from api_keys a
                        where (a.id = k.id or a.id = any(k.ancestors)) and a.revoked_at is not null
                        order by a.revoked_at limit 1) dead on true
                  where k.role = any($1) and ($2::uuid[] is null or k.tenants <@ $2)) k where ",
            $rest
        )
    };
}

/// Which key has this id, as far as the caller may know of it?
pub async fn find(
    executor: impl PgExecutor<'_>,
    visible: &Visible,
    id: KeyId,
) -> Result<Option<ApiKey>, sqlx::Error> {
    let row = sqlx::query_as(api_keys!("k.id = $3"));
    row.bind(visible.roles()).bind(visible.tenants()).bind(id).fetch_optional(executor).await
}

/// Which keys come next, the newest first?
pub async fn page(
    executor: impl PgExecutor<'_>,
    visible: &Visible,
    state: Option<&str>,
    page: &Page,
) -> Result<Vec<ApiKey>, sqlx::Error> {
    let (at, id) = page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let rows = sqlx::query_as(api_keys!(
        "($3::text is null or k.state = $3) and ($4::timestamptz is null or (k.created_at, k.id) < ($4, $5))
         order by k.created_at desc, k.id desc limit $6"
    ));
    let rows = rows.bind(visible.roles()).bind(visible.tenants()).bind(state).bind(at).bind(id);
    rows.bind(page.rows()).fetch_all(executor).await
}

/// Which of these tenants are there?
pub async fn tenants_there(
    executor: impl PgExecutor<'_>,
    tenants: &[TenantId],
) -> Result<Vec<TenantId>, sqlx::Error> {
    let there = sqlx::query_scalar("select id from tenants where id = any($1) and purpose = 'customer'");
    there.bind(tenants).fetch_all(executor).await
}
