//! How the reconciler asks for a tenant to be healed.

use std::time::Duration;

use common::{
    database,
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use serde::Deserialize;
use sqlx::{PgExecutor, PgPool, PgTransaction, types::Json};

use crate::reconcile::{Cure, Drift, Urgency, urgency};

/// Accepts an operation that heals this tenant, before all that is less urgent, and tells why, unless one of any kind is open, the
/// last attempt failed a moment ago, or healing has not helped and it is too early to try again. From now on that is so for
/// `pause`. Says whether it did.
pub async fn heal(
    pool: &PgPool,
    tenant: TenantId,
    Cure { drifts, renew }: &Cure,
    pause: Duration,
) -> Result<bool, sqlx::Error> {
    let mut transaction = database::begin(pool).await?;
    // Two replicas that noticed the same take turns, and the second statement sees what the first of them did. In one
    // statement it would not: only the row that was waited for is read anew.
    let turn = sqlx::query("select from tenants where id = $1 and status = 'active' for update").bind(tenant);
    if turn.fetch_optional(&mut *transaction).await?.is_none() {
        return Ok(false);
    }
    let accepted = accept(&mut transaction, tenant, drifts, renew).await?;
    if accepted {
        trouble(&mut transaction, tenant, drifts, pause).await?;
    }
    transaction.commit().await?;
    Ok(accepted)
}

fn reasons(drifts: &[Drift]) -> Vec<String> {
    drifts.iter().map(ToString::to_string).collect()
}

async fn accept(
    transaction: &mut PgTransaction<'_>,
    tenant: TenantId,
    drifts: &[Drift],
    renew: &[String],
) -> Result<bool, sqlx::Error> {
    let (kind, operation) = (OperationKind::TenantHeal, OperationId::generate());
    let accept = sqlx::query(
        "with operation as (
             insert into operations (id, kind, tenant_id, request, priority, actor, correlation_id, deadline)
             select $1, $3, $2, $4, $7, 'reconciler', $5, now() + make_interval(secs => $6)
             where not exists (
                 select from operations o where o.tenant_id = $2 and (
                     o.status in ('queued', 'running', 'undoing', 'stuck')
                     or (o.kind = $3 and o.finished_at > now() - interval '1 minute' and o.status = 'rolled_back')))
               and not exists (select from tenant_troubles r where r.tenant_id = $2 and r.heal_after > now())
             returning id, tenant_id, correlation_id)
         insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data)
         select 'tenant.drifted', tenant_id, id, correlation_id, jsonb_build_object('reasons', $4 -> 'reasons')
           from operation",
    );
    let restart: Vec<_> = drifts.iter().filter_map(Drift::restart).collect();
    let request = serde_json::json!({ "reasons": reasons(drifts), "restart": restart, "renew": renew });
    // Whoever works, if only in a former way, waits for those who do not.
    let priority: i16 = if urgency(drifts) == Urgency::Renew { 2 } else { 0 };
    let accepted = accept
        .bind(operation)
        .bind(tenant)
        .bind(kind.as_str())
        .bind(request)
        .bind(operation.to_string())
        .bind(kind.deadline().as_secs_f64())
        .bind(priority)
        .execute(&mut **transaction)
        .await?;
    Ok(accepted.rows_affected() == 1)
}

/// Remembers that it was healed, until it is well for a while. One that was only renewed was in no trouble before, and has to prove
/// itself all the same.
async fn trouble(
    transaction: &mut PgTransaction<'_>,
    tenant: TenantId,
    drifts: &[Drift],
    pause: Duration,
) -> Result<(), sqlx::Error> {
    let remember = "insert into tenant_troubles as t (tenant_id, reasons, heals, heal_after)
        values ($1, $2, $4, now() + make_interval(secs => $3))
        on conflict (tenant_id) do update set
            heals = t.heals + excluded.heals, heal_after = excluded.heal_after,
            since = case when t.heals = 0 and t.shown_at is null then now() else t.since end";
    let heals = i32::from(urgency(drifts) != Urgency::Renew);
    sqlx::query(remember)
        .bind(tenant)
        .bind(reasons(drifts))
        .bind(pause.as_secs_f64())
        .bind(heals)
        .execute(&mut **transaction)
        .await
        .map(drop)
}

/// What an operation that heals was asked to do to containers that are there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Those that are let begin anew.
    pub restart: Vec<String>,
    /// Those that get the settings of this release.
    pub renew: Vec<String>,
}

/// Reads it.
pub async fn asked(executor: impl PgExecutor<'_>, operation: OperationId) -> Result<Asked, sqlx::Error> {
    let request = sqlx::query_scalar("select request from operations where id = $1").bind(operation);
    let Json(asked): Json<Asked> = request.fetch_one(executor).await?;
    Ok(asked)
}
