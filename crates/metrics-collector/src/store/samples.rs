//! The last sample of each tenant.

use common::cluster::ClusterId;
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::look::Looked;

/// One that nobody renewed for so long is of a tenant that is gone or lives elsewhere.
const KEPT: &str = "2 minutes";

/// What was not seen keeps the moment since when it is so.
const WRITE: &str = "
    insert into tenant_samples as known
           (tenant_id, cluster_id, at, queue_wait_p95_seconds, duration_p95_seconds, cpu_percent, memory_percent, memory_bytes, executions_min,
            success_rate_percent, concurrent_executions, queue_depth, oldest_waiting_seconds, workers, workers_idle_while_waiting,
            storage_bytes, missing)
    select s.*
      from jsonb_to_recordset($1) as s
           (tenant_id uuid, cluster_id text, at timestamptz, queue_wait_p95_seconds float8, duration_p95_seconds float8, cpu_percent float8,
            memory_percent float8, memory_bytes bigint, executions_min float8, success_rate_percent float8, concurrent_executions bigint,
            queue_depth bigint, oldest_waiting_seconds float8, workers bigint, workers_idle_while_waiting boolean, storage_bytes bigint,
            missing jsonb)
      join tenants t on t.id = s.tenant_id
    on conflict (tenant_id) do update set
        cluster_id = excluded.cluster_id, at = excluded.at, queue_wait_p95_seconds = excluded.queue_wait_p95_seconds,
        duration_p95_seconds = excluded.duration_p95_seconds, cpu_percent = excluded.cpu_percent, memory_percent = excluded.memory_percent,
        memory_bytes = excluded.memory_bytes, executions_min = excluded.executions_min,
        success_rate_percent = excluded.success_rate_percent, concurrent_executions = excluded.concurrent_executions,
        queue_depth = excluded.queue_depth, oldest_waiting_seconds = excluded.oldest_waiting_seconds, workers = excluded.workers,
        workers_idle_while_waiting = excluded.workers_idle_while_waiting, storage_bytes = excluded.storage_bytes,
        missing = (select coalesce(jsonb_object_agg(m.key, coalesce(known.missing -> m.key, m.value)), '{}')
                     from jsonb_each(excluded.missing) m)
     where known.at < excluded.at";

/// Puts these in the place of those before them.
pub async fn write(pool: &PgPool, looked: &[Looked]) -> Result<(), sqlx::Error> {
    let rows: Vec<Value> = looked.iter().map(row).collect();
    sqlx::query(WRITE).bind(Value::Array(rows)).execute(pool).await.map(drop)
}

fn row(Looked { sample, missing, .. }: &Looked) -> Value {
    let at = written(sample.at);
    let missing: Map<String, Value> =
        missing.iter().map(|sense| (sense.as_str().to_owned(), json!(at))).collect();
    let seen = &sample.figures;
    json!({
        "tenant_id": sample.tenant.uuid(),
        "cluster_id": sample.cluster.as_str(),
        "at": at,
        "queue_wait_p95_seconds": seen.queue_wait_p95_seconds,
        "duration_p95_seconds": seen.duration_p95_seconds,
        "cpu_percent": seen.cpu_percent,
        "memory_percent": seen.memory_percent,
        "memory_bytes": seen.memory_bytes,
        "executions_min": seen.executions_min,
        "success_rate_percent": seen.success_rate_percent,
        "concurrent_executions": seen.concurrent_executions,
        "queue_depth": seen.queue_depth,
        "oldest_waiting_seconds": seen.oldest_waiting_seconds,
        "workers": seen.workers,
        "workers_idle_while_waiting": seen.workers_idle_while_waiting,
        "storage_bytes": seen.storage_bytes,
        "missing": missing,
    })
}

fn written(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// Those of tenants whom nobody looks at any more are taken away.
pub async fn sweep(pool: &PgPool, cluster: &ClusterId) -> Result<u64, sqlx::Error> {
    let sweep = sqlx::query("delete from tenant_samples where cluster_id = $1 and at < now() - $2::interval");
    Ok(sweep.bind(cluster.as_str()).bind(KEPT).execute(pool).await?.rows_affected())
}
