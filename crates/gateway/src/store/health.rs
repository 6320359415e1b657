//! What the clusters last said of themselves.

use std::collections::BTreeMap;

use sqlx::{FromRow, PgExecutor, types::Json};
use time::OffsetDateTime;

/// A cluster's own report.
#[derive(Debug, FromRow)]
pub struct ClusterReport {
    pub id: String,
    pub heartbeat_at: OffsetDateTime,
    /// Whether its heartbeat is recent.
    pub fresh: bool,
    pub dependencies: Json<BTreeMap<String, serde_json::Value>>,
    /// Whether its backup service is there, if it ever was: `up` or `down`.
    pub backup: Option<String>,
    /// How that one found its store: `up`, `down`; or `unknown`, since it is not there.
    pub backup_store: Option<String>,
}

/// How are the clusters that should be working? A heartbeat older than 30 seconds is none, and of a backup service, which speaks twice a minute, one
/// older than 90.
pub async fn cluster_reports(executor: impl PgExecutor<'_>) -> Result<Vec<ClusterReport>, sqlx::Error> {
    sqlx::query_as(
        "select c.id, c.heartbeat_at, c.heartbeat_at > now() - interval '30 seconds' as fresh, c.dependencies,
                case when b.is_fresh then 'up' when not b.is_fresh then 'down' end as backup,
                case when b.is_fresh then b.store when not b.is_fresh then 'unknown' end as backup_store
           from clusters c
           left join lateral (select store, heartbeat_at > now() - interval '90 seconds' as is_fresh
                                from backup_services where cluster_id = c.id) b on true
          where c.state in ('active', 'draining') order by c.id",
    )
    .fetch_all(executor)
    .await
}

/// Does the record take writes?
pub async fn takes_writes(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select current_setting('transaction_read_only') = 'off'").fetch_one(executor).await
}
