//! What clusters have left for another tenant.

use common::id::TenantId;
use sqlx::{FromRow, PgExecutor, types::Json};

use super::external::Obstacle;

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

/// What a tenant's cluster has left for more of its workers.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Around {
    #[sqlx(flatten)]
    pub room: Room,
    /// Among so many workers the tenant's concurrent executions are shared out.
    pub base_workers: i32,
}

/// What has the tenant's cluster left? `None`: it is in none that is active.
pub async fn around(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<Around>, sqlx::Error> {
    sqlx::query_as(
        "select r.cpu_millis, r.memory_mb, r.connections, r.subnets, coalesce(l.base_workers, l.workers) as base_workers
           from tenants t join tenant_limits l on l.tenant_id = t.id join cluster_room() r on r.id = t.cluster_id
          where t.id = $1",
    )
    .bind(tenant)
    .fetch_optional(executor)
    .await
}

/// What has each cluster left that is where a tenant asks to be, and complies with what it must?
pub async fn rooms(
    executor: impl PgExecutor<'_>,
    region: Option<&str>,
    compliance: &[String],
) -> Result<Vec<Room>, sqlx::Error> {
    sqlx::query_as(
        "select r.cpu_millis, r.memory_mb, r.connections, r.subnets
           from cluster_room() r join clusters c on c.id = r.id where cluster_suits(c, $1, $2)",
    )
    .bind(region)
    .bind(compliance)
    .fetch_all(executor)
    .await
}

/// An n8n that tenants share, as a place for another one.
#[derive(Debug, Clone, FromRow)]
pub struct SharedN8n {
    pub tenants: i64,
    pub capacity: i32,
    /// Whether it is where a tenant asks to be, and complies with what it must.
    pub suits: bool,
    /// Whether it runs and takes new tenants.
    pub ready: bool,
    /// What keeps tenants out of it, of one that the platform does not run.
    pub obstacles: Option<Json<Vec<Obstacle>>>,
}

/// Which n8ns are there for tenants to share?
pub async fn shared_n8ns(
    executor: impl PgExecutor<'_>,
    region: Option<&str>,
    compliance: &[String],
) -> Result<Vec<SharedN8n>, sqlx::Error> {
    let shared = "select tenants, capacity, suits, ready, external_obstacles(instance::text) as obstacles from shared_n8ns($1, $2)";
    sqlx::query_as(shared).bind(region).bind(compliance).fetch_all(executor).await
}

/// Are there any n8ns for tenants to share, ready or not?
pub async fn is_shared(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from shared_n8ns(null, '{}'))").fetch_one(executor).await
}

/// How many tenants live in those n8ns that take more, and how many they may hold together.
pub async fn shared_places(executor: impl PgExecutor<'_>) -> Result<(i64, i64), sqlx::Error> {
    let places = "select coalesce(sum(tenants), 0)::bigint, coalesce(sum(capacity), 0)::bigint from shared_n8ns(null, '{}') where ready";
    sqlx::query_as(places).fetch_one(executor).await
}
