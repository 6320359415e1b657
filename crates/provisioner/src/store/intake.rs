//! Operations that came over the bus, accepted in one statement each, like those that come over the API.

use common::{
    id::{AuditId, OperationId, TenantId},
    operations::OperationKind,
};
use sqlx::PgPool;
use time::OffsetDateTime;

/// An operation to be accepted.
#[derive(Debug)]
pub struct Wanted {
    pub operation: OperationId,
    pub kind: OperationKind,
    pub tenant: TenantId,
    pub priority: i16,
    pub not_before: Option<OffsetDateTime>,
    pub reason: Option<String>,
    pub correlation_id: String,
    pub traceparent: Option<String>,
    pub actor: String,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    Accepted,
    /// The very same was accepted before.
    Before,
    /// Something else was accepted under its id.
    AnotherHasItsId,
    /// The tenant's state does not allow it.
    Impossible,
}

/// Wraps what is particular about a kind into the whole statement. `possible` locks the tenant (`$3`) and yields its id when
/// it can be done; `effect` is what accepting does to the tenant, reading `operation`.
macro_rules! submitting {
    (possible: $possible:literal, effect: $effect:literal $(,)?) => {
        concat!(
            "with possible as (", $possible, "), operation as (
                 insert into operations
                     (id, kind, tenant_id, request, priority, actor, correlation_id, traceparent, not_before, deadline)
                 select $1, $2, possible.id, $4, $5, $6, $7, $8, begin.at, begin.at + make_interval(secs => $10)
                   from possible, (select greatest(now(), coalesce($9::timestamptz, now())) as at) begin
                 on conflict (id) do nothing
                 returning id, tenant_id
             ), ", $effect, " audit as (
                 insert into audit_logs
                     (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, reason)
                 select $11, $6, 'service', $2, operation.tenant_id, operation.id, $7, 'accepted', $12 from operation
             )
             select exists (select from operation)"
        )
    };
}

const HEAL: &str = submitting!(
    possible: "select t.id from tenants t where t.id = $3 and t.status = 'active' for update of t",
    effect: "",
);

const DELETE: &str = submitting!(
    possible: "select t.id from tenants t
                where t.id = $3 and t.status not in ('deleting', 'deleted')
                  and not exists (select from operations o
                                   where o.tenant_id = t.id and o.kind = $2
                                     and o.status in ('queued', 'running', 'undoing', 'stuck'))
                  for update of t",
    effect: "deleting as (
                 update tenants set status_before_deleting = status, status = 'deleting', updated_at = now()
                   from operation where tenants.id = operation.tenant_id
             ),",
);

/// Accepts it, once.
pub async fn accept(record: &PgPool, wanted: &Wanted) -> Result<Submitted, sqlx::Error> {
    let statement = match wanted.kind {
        OperationKind::TenantHeal => HEAL,
        OperationKind::TenantDelete => DELETE,
        // Needs more than its tenant's id: the API takes it.
        OperationKind::TenantCreate => return Ok(Submitted::Impossible),
    };
    let accepted: bool = sqlx::query_scalar(statement)
        .bind(wanted.operation)
        .bind(wanted.kind.as_str())
        .bind(wanted.tenant)
        .bind(serde_json::json!({ "tenant_id": wanted.tenant, "reasons": wanted.reason.as_slice() }))
        .bind(wanted.priority)
        .bind(&wanted.actor)
        .bind(&wanted.correlation_id)
        .bind(&wanted.traceparent)
        .bind(wanted.not_before)
        .bind(wanted.kind.deadline().as_secs_f64())
        .bind(AuditId::generate())
        .bind(&wanted.reason)
        .fetch_one(record)
        .await?;
    if accepted {
        return Ok(Submitted::Accepted);
    }
    // Asked afterwards and apart: the same message may have been accepted by another replica while this one waited.
    let same = sqlx::query_scalar("select kind = $2 and tenant_id = $3 from operations where id = $1");
    let same = same.bind(wanted.operation).bind(wanted.kind.as_str()).bind(wanted.tenant);
    Ok(match same.fetch_optional(record).await? {
        Some(true) => Submitted::Before,
        Some(false) => Submitted::AnotherHasItsId,
        None => Submitted::Impossible,
    })
}
