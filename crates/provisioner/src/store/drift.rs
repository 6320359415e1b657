//! What the reconciler asks the record, and how it asks for a tenant to be healed.

use std::collections::{BTreeMap, HashSet};

use common::{
    database,
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use sqlx::{PgExecutor, PgPool, Row};

use crate::reconcile::{Drift, Wanted};

/// Tenants of this cluster that should be running and that no operation waits for or works on.
pub async fn settled(
    executor: impl PgExecutor<'_>,
    cluster: &str,
) -> Result<BTreeMap<TenantId, Vec<Wanted>>, sqlx::Error> {
    let rows = sqlx::query(
        "select i.tenant_id, i.name, i.cpu_millis, i.memory_mb
         from tenant_instances i join tenants t on t.id = i.tenant_id
         where i.cluster_id = $1 and t.status = 'active' and not exists (
             select from operations o
             where o.tenant_id = t.id and o.status in ('queued', 'running', 'undoing', 'stuck'))",
    );
    let mut settled = BTreeMap::<_, Vec<_>>::new();
    for row in rows.bind(cluster).fetch_all(executor).await? {
        settled.entry(row.try_get("tenant_id")?).or_default().push(Wanted {
            name: row.try_get("name")?,
            cpu_millis: row.try_get::<i32, _>("cpu_millis")?.unsigned_abs(),
            memory_mb: row.try_get::<i32, _>("memory_mb")?.unsigned_abs(),
        });
    }
    Ok(settled)
}

/// Tenants that may own something: those that are not gone, and those that an operation works on.
pub async fn alive(executor: impl PgExecutor<'_>) -> Result<HashSet<TenantId>, sqlx::Error> {
    let alive = sqlx::query_scalar(
        "select id from tenants where status not in ('failed', 'deleted')
         union
         select tenant_id from operations where status in ('queued', 'running', 'undoing', 'stuck')",
    );
    Ok(alive.fetch_all(executor).await?.into_iter().collect())
}

/// Accepts an operation that heals this tenant, before all that is less urgent, and tells why, unless one of any kind is open
/// or the last attempt failed a moment ago. Says whether it did.
pub async fn heal(pool: &PgPool, tenant: TenantId, drifts: &[Drift]) -> Result<bool, sqlx::Error> {
    let kind = OperationKind::TenantHeal;
    let reasons: Vec<_> = drifts.iter().map(ToString::to_string).collect();
    let mut transaction = database::begin(pool).await?;
    // Two replicas that noticed the same take turns, and the second statement sees what the first of them did. In one
    // statement it would not: only the row that was waited for is read anew.
    let turn = sqlx::query("select from tenants where id = $1 and status = 'active' for update").bind(tenant);
    if turn.fetch_optional(&mut *transaction).await?.is_none() {
        return Ok(false);
    }
    let accept = sqlx::query(
        "with operation as (
             insert into operations (id, kind, tenant_id, request, priority, actor, correlation_id, deadline)
             select $1, $3, $2, $4, 0, 'reconciler', $5, now() + make_interval(secs => $6)
             where not exists (
                 select from operations o where o.tenant_id = $2 and (
                     o.status in ('queued', 'running', 'undoing', 'stuck')
                     or (o.kind = $3 and o.finished_at > now() - interval '1 minute' and o.status = 'rolled_back')))
             returning id, tenant_id, correlation_id)
         insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data)
         select 'tenant.drifted', tenant_id, id, correlation_id, $4 from operation",
    );
    let operation = OperationId::generate();
    let accepted = accept
        .bind(operation)
        .bind(tenant)
        .bind(kind.as_str())
        .bind(serde_json::json!({ "reasons": reasons }))
        .bind(operation.to_string())
        .bind(kind.deadline().as_secs_f64())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(accepted.rows_affected() == 1)
}
