//! The record, asked directly: emptied before each cell, filled with what is read, and asked afterwards what happened.

use std::time::Duration;

use common::id::TenantId;
use sqlx::{AssertSqlSafe, FromRow, PgPool};

/// Where all tenants are.
pub const CLUSTER: &str = "bench";

/// Several times what the slowest cell takes to work off what it accepted.
const DRAIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Milliseconds.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Quantiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

/// What accepting a tenant writes to, one row each.
pub const ACCEPTED: [&str; 6] =
    ["tenants", "tenant_limits", "operations", "audit_logs", "idempotency_keys", "request_signatures"];
/// The same without a memory of signatures.
pub const UNSIGNED: [&str; 5] = ["tenants", "tenant_limits", "operations", "audit_logs", "idempotency_keys"];

/// Every cell begins alike: nothing there, and nothing left for a checkpoint to write.
pub async fn empty(pool: &PgPool) -> anyhow::Result<()> {
    let truncate = format!("truncate {}, event_outbox, events cascade", ACCEPTED.join(", "));
    sqlx::query(AssertSqlSafe(truncate)).execute(pool).await?;
    sqlx::query("checkpoint").execute(pool).await?;
    Ok(())
}

/// Fails unless each of these tables holds one row for each tenant: then the peer wrote the same rows.
pub async fn check_rows(pool: &PgPool, tables: &[&'static str]) -> anyhow::Result<()> {
    let mut counts = Vec::new();
    for table in tables {
        counts.push(count(pool, table).await?);
    }
    let tenants = counts.first().copied().unwrap_or_default();
    anyhow::ensure!(
        tenants > 0 && counts.iter().all(|count| *count == tenants),
        "{tables:?} hold {counts:?} rows"
    );
    Ok(())
}

/// How many rows are in this table?
pub async fn count(pool: &PgPool, table: &'static str) -> anyhow::Result<i64> {
    let rows = format!("select count(*) from {table}");
    Ok(sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(pool).await?)
}

/// How many bytes the server has written to its log so far?
pub async fn logged_bytes(pool: &PgPool) -> anyhow::Result<i64> {
    let logged = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8";
    Ok(sqlx::query_scalar(logged).fetch_one(pool).await?)
}

/// Lets something happen that concerns no operation.
pub async fn tell(pool: &PgPool, tenant: TenantId) -> anyhow::Result<()> {
    let event = "insert into event_outbox (kind, tenant_id, data)
                 values ('tenant.active', $1, '{\"status\": \"active\"}')";
    sqlx::query(event).bind(tenant.uuid()).execute(pool).await?;
    Ok(())
}

/// Tenants as they are when they run: limits, a main and two workers.
pub async fn fill(pool: &PgPool, tenants: i32) -> anyhow::Result<Vec<TenantId>> {
    let cluster = "insert into clusters (id, region, engine, subnets)
                   values ($1, 'local', 'docker', '10.0.0.0/8') on conflict do nothing";
    sqlx::query(cluster).bind(CLUSTER).execute(pool).await?;
    let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, metadata, n8n_version, cluster_id)
        select gen_random_uuid(), 'Acme Ltd', 'ada@acme.example', 't' || n, 'dedicated', 'active', 'pro',
               '{\"crm\": \"0042\"}', '2.41.1', 'bench' from generate_series(1, $1) n";
    sqlx::query(insert).bind(tenants).execute(pool).await?;
    sqlx::query("insert into tenant_limits select id, 2000, 2048, 2, 20, 10000, 10, 10000 from tenants")
        .execute(pool)
        .await?;
    let instances = "insert into tenant_instances
            (name, tenant_id, cluster_id, role, color, ordinal, generation, cpu_millis, memory_mb)
        select format('rp9-%s-blue-%s', t.id, n), t.id, 'bench', case n when 0 then 'main' else 'worker' end, 'blue',
               n, 1, 2000, 2048 from tenants t, generate_series(0, 2) n";
    sqlx::query(instances).execute(pool).await?;
    sqlx::query("vacuum analyze").execute(pool).await?;
    ids(pool).await
}

/// The same, seen to run a moment ago.
pub async fn fill_running(pool: &PgPool, tenants: i32) -> anyhow::Result<()> {
    fill(pool, tenants).await?;
    let seen = "update tenant_instances set state = 'running', health = 'healthy', seen_at = now()";
    sqlx::query(seen).execute(pool).await?;
    // Nobody looks at the cluster while a cell lasts.
    sqlx::query("update clusters set observed_at = now() + interval '1 hour'").execute(pool).await?;
    sqlx::query("truncate collector_shards").execute(pool).await?;
    sqlx::query("vacuum analyze").execute(pool).await?;
    Ok(())
}

/// Whose container is called how?
pub async fn containers(pool: &PgPool) -> Result<Vec<(String, TenantId)>, sqlx::Error> {
    sqlx::query_as("select name, tenant_id from tenant_instances").fetch_all(pool).await
}

/// How many seconds is it since that tenant was looked at who was not for the longest time?
pub async fn oldest_sample(pool: &PgPool) -> anyhow::Result<f64> {
    let oldest = "select extract(epoch from clock_timestamp() - min(at))::float8 from tenant_samples";
    Ok(sqlx::query_scalar(oldest).fetch_one(pool).await?)
}

/// Which tenants are there?
pub async fn ids(pool: &PgPool) -> anyhow::Result<Vec<TenantId>> {
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select id from tenants").fetch_all(pool).await?;
    Ok(ids.into_iter().map(TenantId::from_uuid).collect())
}

/// Waits until every accepted operation is over, but not for ever: which share has not succeeded by then?
pub async fn unfinished(pool: &PgPool) -> anyhow::Result<f64> {
    let open = "select count(*) from operations where status in ('queued', 'running', 'undoing')";
    let drained = async {
        while sqlx::query_scalar::<_, i64>(open).fetch_one(pool).await? > 0 {
            tokio::time::sleep(ASK_EVERY).await;
        }
        anyhow::Ok(())
    };
    // A run goes on without those that are left: that they are is a figure too.
    if let Ok(ended) = tokio::time::timeout(DRAIN, drained).await {
        ended?;
    }
    let share =
        "select (1 - count(*) filter (where status = 'succeeded')::float8 / greatest(count(*), 1))::float8
                   from operations";
    Ok(sqlx::query_scalar(share).fetch_one(pool).await?)
}

/// Operations of the first second are left out: pools and prepared statements are filled in it.
const WARM: &str = "o.created_at > (select min(created_at) from operations) + interval '1 second'";

/// From acceptance to the first row of the journal.
pub async fn start_delays(pool: &PgPool) -> anyhow::Result<Quantiles> {
    let delays = format!(
        "select 1000 * extract(epoch from min(s.at) - o.created_at)::float8 as ms
           from operations o join operation_steps s on s.operation_id = o.id where {WARM} group by o.id"
    );
    quantiles(pool, &delays).await
}

/// From the row that begins a step to the row that ends it; of all steps, or of one.
pub async fn step_times(pool: &PgPool, step: Option<&str>) -> anyhow::Result<Quantiles> {
    let only = step.map(|step| format!(" and b.step = '{step}'")).unwrap_or_default();
    let times = format!(
        "select 1000 * extract(epoch from e.at - b.at)::float8 as ms
           from operation_steps b join operations o on o.id = b.operation_id
           join operation_steps e on e.operation_id = b.operation_id and e.ordinal = b.ordinal
          where b.event = 'started' and e.event = 'succeeded' and {WARM}{only}"
    );
    quantiles(pool, &times).await
}

/// The steps that took place, in order.
pub async fn steps(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let steps = "select step from operation_steps group by step order by min(ordinal)";
    Ok(sqlx::query_scalar(steps).fetch_all(pool).await?)
}

async fn quantiles(pool: &PgPool, of: &str) -> anyhow::Result<Quantiles> {
    let at = |p: f64| format!("percentile_cont({p}) within group (order by ms)");
    // Nothing at all happened: no number.
    let at = |p: f64| format!("coalesce({}, 'NaN')", at(p));
    let query = format!("select {} as p50, {} as p95, {} as p99 from ({of}) t", at(0.5), at(0.95), at(0.99));
    Ok(sqlx::query_as(AssertSqlSafe(query)).fetch_one(pool).await?)
}
