//! What this service says of itself.

use sqlx::PgExecutor;

/// It is there, and so the store is or is not. Before the cluster is known nobody asks.
pub async fn beat(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    store_is_up: bool,
) -> Result<(), sqlx::Error> {
    let beat = "insert into backup_services (cluster_id, heartbeat_at, store)
                select id, now(), case when $2 then 'up' else 'down' end from clusters where id = $1
                on conflict (cluster_id) do update set heartbeat_at = excluded.heartbeat_at, store = excluded.store";
    sqlx::query(beat).bind(cluster).bind(store_is_up).execute(executor).await.map(drop)
}
