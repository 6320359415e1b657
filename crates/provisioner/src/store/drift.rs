//! How the reconciler asks for a tenant to be healed.

use common::{
    database,
    id::{OperationId, TenantId},
    operations::{self, Asked, NewOperation, Priority, Request as _},
    role::Role,
};
use sqlx::{PgPool, PgTransaction};
use wire::kinds::TenantHeal;

use crate::reconcile::{Cure, Drift, Healed, Urgency, pause_after, urgency};

/// Of an operation `o`: healing its tenant waits for it. What is beside a tenant's life, like a copy of its data, and what begins at another
/// time, like an upgrade tonight, do not leave a tenant dead until they are over.
macro_rules! in_the_way {
    () => {
        "o.status in ('queued', 'running', 'undoing', 'stuck') and (o.lane = 'life' or o.alone)
         and (o.status <> 'queued' or o.not_before <= now())"
    };
}
pub(super) use in_the_way;

/// Accepts an operation that heals this tenant, before all that is less urgent, and tells why, unless one is in its way, the last attempt
/// failed a moment ago, or healing has not helped and it is too early to try again. Says whether it did.
pub async fn heal(
    pool: &PgPool,
    tenant: TenantId,
    Cure { drifts, renew }: &Cure,
) -> Result<bool, sqlx::Error> {
    let mut transaction = database::begin(pool).await?;
    // Two replicas that noticed the same take turns, and the statements after that see what the first of them did. In one
    // statement they would not: only the row that was waited for is read anew.
    let turn = sqlx::query("select from tenants where id = $1 and status = 'active' for update").bind(tenant);
    if turn.fetch_optional(&mut *transaction).await?.is_none() {
        return Ok(false);
    }
    put_off(&mut transaction, tenant).await?;
    let healed = healed(&mut transaction, tenant).await?;
    let accepted = accept(&mut transaction, tenant, drifts, renew).await?;
    if accepted {
        trouble(&mut transaction, tenant, drifts, healed.in_vain_by_now(urgency(drifts))).await?;
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
    let idle = drifts.iter().filter_map(Drift::idle).cloned().collect();
    let request = TenantHeal { reasons: reasons(drifts), restart, renew: renew.to_owned(), idle };
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

/// After one that failed, the next one waits for a minute, whatever its pause would have been.
async fn put_off(transaction: &mut PgTransaction<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let put_off = "update tenant_troubles r set heal_after = o.finished_at + interval '1 minute'
           from operations o
          where r.tenant_id = $1 and o.tenant_id = $1 and o.kind = $2 and o.status = 'rolled_back'
            and o.finished_at + interval '1 minute' > greatest(now(), r.heal_after)";
    let put_off = sqlx::query(put_off).bind(tenant).bind(TenantHeal::KIND.name);
    put_off.execute(&mut **transaction).await.map(drop)
}

/// How often it was healed, and with what success.
async fn healed(transaction: &mut PgTransaction<'_>, tenant: TenantId) -> Result<Healed, sqlx::Error> {
    let healed = "select r.heals, r.in_vain, coalesce((
                select o.status = 'succeeded' from operations o where o.tenant_id = r.tenant_id and o.kind = $2
                 order by o.created_at desc limit 1), false)
           from tenant_troubles r where r.tenant_id = $1";
    let healed = sqlx::query_as(healed).bind(tenant).bind(TenantHeal::KIND.name);
    let healed: Option<(i32, i32, bool)> = healed.fetch_optional(&mut **transaction).await?;
    Ok(healed.map_or_else(Healed::default, |(heals, in_vain, succeeded)| Healed {
        heals: heals.unsigned_abs(),
        in_vain: in_vain.unsigned_abs(),
        succeeded,
    }))
}

/// Nothing else is to be done to it, and it is not too early to try again.
async fn is_time(transaction: &mut PgTransaction<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let time = concat!(
        "select not exists (select from operations o where o.tenant_id = $1 and ",
        in_the_way!(),
        ") and not exists (select from tenant_troubles r where r.tenant_id = $1 and r.heal_after > now())"
    );
    sqlx::query_scalar(time).bind(tenant).fetch_one(&mut **transaction).await
}

/// Remembers that it was healed, until it is well for a while, and for how long it is left alone now. One that was only renewed was in no
/// trouble before, and has to prove itself all the same.
async fn trouble(
    transaction: &mut PgTransaction<'_>,
    tenant: TenantId,
    drifts: &[Drift],
    in_vain: u32,
) -> Result<(), sqlx::Error> {
    let remember = "insert into tenant_troubles as t (tenant_id, reasons, heals, in_vain, heal_after)
        values ($1, $2, $3, $4, now() + make_interval(secs => $5))
        on conflict (tenant_id) do update set
            heals = t.heals + excluded.heals, in_vain = excluded.in_vain, heal_after = excluded.heal_after,
            since = case when t.heals = 0 and t.shown_at is null then now() else t.since end";
    sqlx::query(remember)
        .bind(tenant)
        .bind(reasons(drifts))
        .bind(i32::from(urgency(drifts) != Urgency::Renew))
        .bind(in_vain.cast_signed())
        .bind(pause_after(in_vain).as_secs_f64())
        .execute(&mut **transaction)
        .await
        .map(drop)
}
