//! How the reconciler asks for a tenant to be healed.

use std::time::Duration;

use common::{
    database,
    id::{OperationId, TenantId},
    operations::{self, Asked, NewOperation, Priority, Request as _},
    role::Role,
};
use sqlx::{PgPool, PgTransaction};
use wire::kinds::TenantHeal;

use crate::reconcile::{Cure, Drift, Urgency, urgency};

/// Of an operation `o`: healing its tenant waits for it. What is beside a tenant's life, like a copy of its data, and what begins at another
/// time, like an upgrade tonight, do not leave a tenant dead until they are over.
macro_rules! in_the_way {
    () => {
        "o.status in ('queued', 'running', 'undoing', 'stuck') and (o.lane = 'life' or o.alone)
         and (o.status <> 'queued' or o.not_before <= now())"
    };
}
pub(super) use in_the_way;

/// Accepts an operation that heals this tenant, before all that is less urgent, and tells why, unless one is in its way, the
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
    if !is_time(transaction, tenant).await? {
        return Ok(false);
    }
    let operation = OperationId::generate();
    let correlation_id = operation.to_string();
    let restart = drifts.iter().filter_map(Drift::restart).map(str::to_owned).collect();
    let request = TenantHeal { reasons: reasons(drifts), restart, renew: renew.to_owned() };
    let asked = Asked {
        actor: "reconciler",
        role: Role::Service,
        correlation_id: &correlation_id,
        traceparent: None,
        reason: None,
    };
    // Whoever works, if only in a former way, waits for those who do not.
    let renewed = urgency(drifts) == Urgency::Renew;
    let priority = Some(if renewed { Priority::Low } else { Priority::High });
    let heal = NewOperation { priority, ..NewOperation::of(operation, &tenant, &request, asked) };
    let accepted = operations::accept(&mut **transaction, &heal, None).await?;
    if accepted {
        let drifted = "insert into event_outbox (kind, tenant_id, operation_id, correlation_id, data)
            values ('tenant.drifted', $1, $2, $3, jsonb_build_object('reasons', $4::text[]))";
        let drifted = sqlx::query(drifted).bind(tenant).bind(operation).bind(&correlation_id);
        drifted.bind(&request.reasons).execute(&mut **transaction).await?;
    }
    Ok(accepted)
}

/// Nothing else is to be done to it, the last attempt did not fail a moment ago, and it is not too early to try again.
async fn is_time(transaction: &mut PgTransaction<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let time = concat!(
        "select not exists (
            select from operations o where o.tenant_id = $1 and (",
        in_the_way!(),
        " or o.kind = $2 and o.finished_at > now() - interval '1 minute' and o.status = 'rolled_back'))
        and not exists (select from tenant_troubles r where r.tenant_id = $1 and r.heal_after > now())"
    );
    sqlx::query_scalar(time).bind(tenant).bind(TenantHeal::KIND.name).fetch_one(&mut **transaction).await
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
