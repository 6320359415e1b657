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
}

/// How are the clusters that should be working? A heartbeat older than 30 seconds is none.
pub async fn cluster_reports(executor: impl PgExecutor<'_>) -> Result<Vec<ClusterReport>, sqlx::Error> {
    sqlx::query_as(
        "select id, heartbeat_at, heartbeat_at > now() - interval '30 seconds' as fresh, dependencies
           from clusters where state in ('active', 'draining') order by id",
    )
    .fetch_all(executor)
    .await
}

/// Does the record take writes?
pub async fn takes_writes(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select current_setting('transaction_read_only') = 'off'").fetch_one(executor).await
}
