//! What the questions are in SQL, where the record itself has no verb for them.

use std::time::Duration;

use common::{
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use sqlx::{AssertSqlSafe, PgPool};
use testkit::memory::Request;

use super::KINDS;

pub async fn empty(pool: &PgPool) {
    sqlx::query("truncate tenants, operations, audit_logs cascade").execute(pool).await.unwrap();
}

pub async fn tenant(pool: &PgPool) -> TenantId {
    let id = TenantId::generate();
    let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
                  values ($1, 'n', 'e', $2, 'dedicated', 'provisioning', 'pro', '2.41.1')";
    sqlx::query(insert).bind(id).bind(id.digits()).execute(pool).await.unwrap();
    id
}

pub async fn accept(pool: &PgPool, request: &Request) -> bool {
    let insert = "insert into operations
                      (id, kind, tenant_id, request, actor, correlation_id, priority, deadline, not_before, lane, alone, parent_id, cluster_id)
                  values ($1, $2, $3, '{}', 'test', 'test', $4, now() + make_interval(secs => $5),
                          now() + make_interval(secs => $6), $7, $8, $9, $10)
                  on conflict do nothing";
    let insert =
        sqlx::query(insert).bind(request.id).bind(request.kind.as_str()).bind(request.subject.tenant());
    let insert =
        insert.bind(request.priority).bind(request.deadline.as_secs_f64()).bind(request.delay.as_secs_f64());
    let insert = insert
        .bind(request.kind.lane.as_str())
        .bind(request.kind.alone)
        .bind(request.parent)
        .bind(request.subject.cluster());
    insert.execute(pool).await.unwrap().rows_affected() == 1
}

/// Time passes: everything that has a time is as much longer ago.
pub async fn pass(pool: &PgPool, time: Duration) {
    let pass = "update operations set
                    lease_until = lease_until - make_interval(secs => $1),
                    not_before = not_before - make_interval(secs => $1),
                    deadline = deadline - make_interval(secs => $1),
                    created_at = created_at - make_interval(secs => $1)";
    sqlx::query(pass).bind(time.as_secs_f64()).execute(pool).await.unwrap();
}

/// What the gateway does to the row, its answers and audit left out.
pub async fn cancel(pool: &PgPool, id: OperationId) -> bool {
    let unwinding = KINDS.into_iter().filter(|kind| kind.unwinds);
    let unwinding: Vec<_> = unwinding.map(OperationKind::as_str).collect();
    let cancel = r#"
        update operations o set
            status = case o.status when 'queued' then 'rolled_back' else o.status end,
            finished_at = case o.status when 'queued' then now() else o.finished_at end,
            error = case o.status when 'queued' then $3 else o.error end,
            not_before = least(o.not_before, now()),
            cancellation = coalesce(o.cancellation, $3)
        where o.id = $1
          and (o.status = 'queued'
               or o.status = 'running' and o.kind = any ($2::text[])
               or o.status in ('running', 'undoing', 'rolled_back') and o.cancellation is not null)"#;
    let why = serde_json::json!({ "kind": "cancelled", "detail": "Cancelled by a test." });
    let cancelled = sqlx::query(cancel).bind(id).bind(unwinding).bind(why).execute(pool).await.unwrap();
    cancelled.rows_affected() == 1
}

pub async fn resume(pool: &PgPool, id: OperationId) -> bool {
    let resume = "
        with operation as (
            update operations o set
                status = case when back.undone then 'undoing' else 'running' end,
                error = case when back.undone then o.error end,
                not_before = now(), lease_owner = null, lease_until = null
            from (select exists (select from operation_steps s
                                 where s.operation_id = $1 and s.event = 'undo_started') as undone) back
            where o.id = $1 and o.status = 'stuck'
            returning o.id, o.fence
        ), journal as (
            insert into operation_steps (operation_id, ordinal, step, event, fence)
            select operation.id, last.ordinal, last.step, 'resumed', operation.fence
            from operation,
                 (select s.ordinal, s.step from operation_steps s
                  where s.operation_id = $1 order by s.seq desc limit 1) last
        )
        select exists (select from operation)";
    sqlx::query_scalar(resume).bind(id).fetch_one(pool).await.unwrap()
}

pub async fn abandon(pool: &PgPool, id: OperationId) -> bool {
    let unwinding = KINDS.into_iter().filter(|kind| kind.unwinds);
    let unwinding: Vec<_> = unwinding.map(OperationKind::as_str).collect();
    let abandon = "
        with operation as (
            update operations
               set status = 'abandoned', finished_at = now(), lease_owner = null, lease_until = null
             where id = $1 and status = 'stuck' returning id
        ), parts as (
            update operations o set
                status = case o.status when 'queued' then 'rolled_back' else o.status end,
                finished_at = case o.status when 'queued' then now() else o.finished_at end,
                error = case o.status when 'queued' then $3 else o.error end,
                not_before = least(o.not_before, now()),
                cancellation = $3
              from operation
             where o.parent_id = operation.id and o.cancellation is null
               and (o.status = 'queued' or o.status in ('running', 'stuck') and o.kind = any ($2::text[]))
        )
        select exists (select from operation)";
    let why = serde_json::json!({ "kind": "cancelled", "detail": "What it is a part of was given up." });
    sqlx::query_scalar(abandon).bind(id).bind(unwinding).bind(why).fetch_one(pool).await.unwrap()
}

/// Every row in the words that the record in memory is described in.
pub async fn rows(pool: &PgPool) -> Vec<String> {
    type Columns =
        (OperationId, String, i64, Option<bool>, Option<String>, bool, Option<serde_json::Value>, bool, i64);
    let rows = "select o.id, status, o.fence, lease_until > now(), lease_owner, not_before <= now(), error,
                       finished_at is not null,
                       (select count(*) from operation_steps s where s.operation_id = o.id)
                from operations o";
    let rows: Vec<Columns> = sqlx::query_as(AssertSqlSafe(rows)).fetch_all(pool).await.unwrap();
    let words = |(id, status, fence, held, owner, due, error, finished, journal): Columns| {
        let error = error.unwrap_or_default();
        format!("{id} {status} {fence} {held:?} {owner:?} {due} {error} {finished} {journal}")
    };
    let mut rows: Vec<_> = rows.into_iter().map(words).collect();
    rows.sort();
    rows
}
