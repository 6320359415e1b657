//! How large tenants are, and may be.

use common::id::TenantId;
use sqlx::{FromRow, PgConnection, PgExecutor};
use wire::sizing;

/// What a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Of each container, in thousandths of a core.
    pub cpu_millis: i32,
    /// Of each container.
    pub memory_mb: i32,
    pub workers: i32,
}

/// What does it have?
pub async fn get(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Size, sqlx::Error> {
    sqlx::query_as("select cpu_millis, memory_mb, workers from tenant_limits where tenant_id = $1")
        .bind(tenant)
        .fetch_one(executor)
        .await
}

/// What is the most that its plan allows, and its network holds?
pub async fn ceiling(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Size, sqlx::Error> {
    sqlx::query_as(
        "select cpu_millis * ceiling_percent / 100 as cpu_millis, memory_mb * ceiling_percent / 100 as memory_mb,
                least(workers * ceiling_percent / 100, $2) as workers
           from plans p join tenants t on t.plan = p.name where t.id = $1",
    )
    .bind(tenant)
    .bind(sizing::MOST_WORKERS)
    .fetch_one(executor)
    .await
}

/// From now on it is this large. Workers it no longer has stay among its instances until they are gone.
pub async fn set(connection: &mut PgConnection, tenant: TenantId, size: Size) -> Result<(), sqlx::Error> {
    let limits = "update tenant_limits
        set cpu_millis = $2, memory_mb = $3, workers = $4, base_workers = coalesce(base_workers, workers)
        where tenant_id = $1";
    let limits = sqlx::query(limits).bind(tenant).bind(size.cpu_millis).bind(size.memory_mb);
    limits.bind(size.workers).execute(&mut *connection).await?;
    let containers = "update tenant_instances set cpu_millis = $2, memory_mb = $3 where tenant_id = $1";
    let containers = sqlx::query(containers).bind(tenant).bind(size.cpu_millis).bind(size.memory_mb);
    containers.execute(connection).await.map(drop)
}

/// Takes a turn with all who ask for room: until the transaction is over, no tenant is accepted in a cluster with few places left, and
/// nobody else gets more connections. Nobody waits for long: a transaction has its operation's row, so its lease cannot be renewed meanwhile.
pub async fn take_turn(executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    let turn = "select set_config('lock_timeout', '1s', true), pg_advisory_xact_lock(hashtextextended('rp9 last places', 0))";
    sqlx::query(turn).execute(executor).await.map(drop)
}

/// From now on its role may open so many connections. Returns by how many that is more than before: its plan's, as long as nothing else
/// was written.
pub async fn set_connections(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    connections: u16,
) -> Result<i32, sqlx::Error> {
    let set = "update tenant_limits l set connections = $2
                 from tenants t join plans p on p.name = t.plan,
                      (select connections from tenant_limits where tenant_id = $1) former
                where l.tenant_id = $1 and t.id = $1
                returning $2 - coalesce(former.connections, p.connections)";
    sqlx::query_scalar(set).bind(tenant).bind(i32::from(connections)).fetch_one(executor).await
}

/// Its role is gone, and nobody keeps connections for it.
pub async fn forget_connections(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let forget = sqlx::query("update tenant_limits set connections = null where tenant_id = $1").bind(tenant);
    forget.execute(executor).await.map(drop)
}

/// How many connections does this cluster have left, all that its tenants may open taken off? `None`: nobody knows.
pub async fn connections_left(
    executor: impl PgExecutor<'_>,
    cluster: &str,
) -> Result<Option<i64>, sqlx::Error> {
    let left = "select c.connections_usable - given.connections
                  from clusters c, lateral cluster_committed(c.id) given where c.id = $1";
    let left: Option<Option<i64>> = sqlx::query_scalar(left).bind(cluster).fetch_optional(executor).await?;
    Ok(left.flatten())
}

/// Its workers beyond so many are no longer wanted.
pub async fn forget_workers(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    beyond: i32,
) -> Result<(), sqlx::Error> {
    let forget = "delete from tenant_instances where tenant_id = $1 and role = 'worker' and ordinal > $2";
    sqlx::query(forget).bind(tenant).bind(beyond).execute(executor).await.map(drop)
}
