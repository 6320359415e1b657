//! Rollouts: many tenants that get a later release of n8n. No owner gets here.

mod create;
mod select;

use common::id::{OperationId, RolloutId, TenantId};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, types::Json};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{http::cursor::Page, vocabulary};

pub use create::CreateRollout;
pub use select::{named, selected};

/// One time that many tenants were to get a later release of n8n.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct Rollout {
    #[schema(value_type = String, example = "rol_0198c0de0000700080000000000000ee")]
    pub id: RolloutId,
    /// `stopped`: more tenants failed than may. `succeeded`: it has been through all of them.
    #[schema(value_type = vocabulary::RolloutStatus)]
    pub status: String,
    #[schema(example = "2.41.1")]
    n8n_version: String,
    /// Who was meant, as it was asked for.
    #[schema(value_type = Object)]
    selection: Json<Value>,
    concurrency: i32,
    max_failures: i32,
    reason: Option<String>,
    /// The subject of a token, or the id of a key.
    asked_by: String,
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// How many waves have begun.
    waves: i32,
    #[sqlx(flatten)]
    tenants: RolloutCounts,
}

/// How many of a rollout's tenants are how.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct RolloutCounts {
    waiting: i64,
    running: i64,
    succeeded: i64,
    failed: i64,
    /// Those who could not be upgraded when it was their turn, such as suspended ones.
    skipped: i64,
}

/// One tenant of a rollout.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct RolloutTenant {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    #[schema(example = "acme")]
    subdomain: String,
    #[schema(value_type = vocabulary::RolloutTenantStatus)]
    status: String,
    /// In which wave it was begun.
    wave: Option<i32>,
    #[schema(value_type = Option<String>, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: Option<OperationId>,
    /// Why it failed or was passed over.
    detail: Option<String>,
    #[serde(with = "rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
}

/// Every question about rollouts begins like this.
macro_rules! rollouts {
    ($rest:literal) => {
        concat!(
            "select r.id, r.status, r.n8n_version, r.selection, r.concurrency, r.max_failures, r.reason, r.asked_by, r.created_at, r.ended_at,
                    r.waves, n.waiting, n.running, n.succeeded, n.failed, n.skipped
               from rollouts r cross join lateral rollout_counts(r.id) n
              where ",
            $rest
        )
    };
}

/// Which has this id?
pub async fn find(executor: impl PgExecutor<'_>, id: RolloutId) -> Result<Option<Rollout>, sqlx::Error> {
    sqlx::query_as(rollouts!("r.id = $1")).bind(id).fetch_optional(executor).await
}

/// Which come next, the newest first?
pub async fn page(executor: impl PgExecutor<'_>, page: &Page) -> Result<Vec<Rollout>, sqlx::Error> {
    let (at, id) = page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let rows = sqlx::query_as(rollouts!(
        "($1::timestamptz is null or (r.created_at, r.id) < ($1, $2)) order by r.created_at desc, r.id desc limit $3"
    ));
    rows.bind(at).bind(id).bind(page.rows()).fetch_all(executor).await
}

/// Which is under way?
pub async fn under_way(executor: impl PgExecutor<'_>) -> Result<Option<RolloutId>, sqlx::Error> {
    sqlx::query_scalar("select id from rollouts where status = 'running'").fetch_optional(executor).await
}

/// More are counted and not named.
pub const NAMED: i64 = 200;

/// Whom has to be looked at: who is under way, has failed, was passed over, or is waited for because something else is done to them?
pub async fn to_look_at(
    executor: impl PgExecutor<'_>,
    rollout: RolloutId,
) -> Result<Vec<RolloutTenant>, sqlx::Error> {
    let to_look_at = "select i.tenant_id, t.subdomain, i.status, i.wave, i.operation_id, i.detail, i.ended_at
                        from rollout_tenants i join tenants t on t.id = i.tenant_id
                       where i.rollout_id = $1 and (i.status in ('running', 'failed', 'skipped') or i.detail is not null)
                       order by i.status <> 'running', i.status, i.ordinal limit $2";
    sqlx::query_as(to_look_at).bind(rollout).bind(NAMED).fetch_all(executor).await
}
