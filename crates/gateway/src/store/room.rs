//! What clusters have left for another tenant.

use sqlx::{FromRow, PgExecutor};

/// What a plan asks of its cluster.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Wanted {
    pub cpu_millis: i32,
    pub memory_mb: i32,
    pub connections: i32,
}

/// What an active cluster has left. What is not known is `None`.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Room {
    pub cpu_millis: Option<i32>,
    pub memory_mb: Option<i32>,
    pub connections: Option<i64>,
    pub subnets: Option<i64>,
}

/// What does this plan ask for?
pub async fn wanted(executor: impl PgExecutor<'_>, plan: &str) -> Result<Option<Wanted>, sqlx::Error> {
    sqlx::query_as("select cpu_millis, memory_mb, connections from plans where name = $1")
        .bind(plan)
        .fetch_optional(executor)
        .await
}

/// What has this cluster left?
pub async fn of_cluster(executor: impl PgExecutor<'_>, cluster: &str) -> Result<Option<Room>, sqlx::Error> {
    sqlx::query_as("select cpu_millis, memory_mb, connections, subnets from cluster_room() where id = $1")
        .bind(cluster)
        .fetch_optional(executor)
        .await
}

/// What has each cluster left?
pub async fn rooms(executor: impl PgExecutor<'_>) -> Result<Vec<Room>, sqlx::Error> {
    sqlx::query_as("select cpu_millis, memory_mb, connections, subnets from cluster_room()")
        .fetch_all(executor)
        .await
}
