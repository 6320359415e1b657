//! What is noted of rollouts and their tenants.

use common::{
    id::{OperationId, RolloutId, TenantId},
    operations::{self, Asked, NewOperation},
};
use sqlx::{PgConnection, PgExecutor};
use wire::kinds::TenantUpgrade;

use super::Rollout;

/// Notes what became of those that were begun. One that waits for a person has failed until it goes on.
pub async fn follow(executor: impl PgExecutor<'_>, rollout: RolloutId) -> Result<(), sqlx::Error> {
    let follow = "update rollout_tenants i
            set status = became.status, ended_at = case when became.status <> 'running' then clock_timestamp() end,
                detail = case when became.status = 'failed'
                              then coalesce(o.error ->> 'detail', case when o.status = 'stuck' then 'It waits for a person.' else 'It was called off.' end) end
           from operations o
           cross join lateral (select case when o.status = 'succeeded' then 'succeeded'
                                           when o.status in ('rolled_back', 'abandoned', 'stuck') then 'failed'
                                           else 'running' end as status) became
          where i.rollout_id = $1 and i.status in ('running', 'failed') and o.id = i.operation_id and i.status <> became.status";
    sqlx::query(follow).bind(rollout).execute(executor).await.map(drop)
}

/// It is not upgraded, for this reason.
pub async fn pass_over(
    executor: impl PgExecutor<'_>,
    rollout: RolloutId,
    tenant: TenantId,
    why: &str,
) -> Result<(), sqlx::Error> {
    let pass_over = "update rollout_tenants set status = 'skipped', detail = $3, ended_at = clock_timestamp()
                      where rollout_id = $1 and tenant_id = $2 and status = 'waiting'";
    sqlx::query(pass_over).bind(rollout).bind(tenant).bind(why).execute(executor).await.map(drop)
}

/// It is looked at again in half a minute; others are not kept waiting by it.
pub async fn postpone(
    executor: impl PgExecutor<'_>,
    rollout: RolloutId,
    tenant: TenantId,
) -> Result<(), sqlx::Error> {
    let postpone = "update rollout_tenants set not_before = now() + interval '30 seconds', detail = 'Something else is done to it: it comes later.'
                     where rollout_id = $1 and tenant_id = $2 and status = 'waiting'";
    sqlx::query(postpone).bind(rollout).bind(tenant).execute(executor).await.map(drop)
}

/// Accepts its upgrade, as if whoever asked for the rollout had asked for it. `false`: it cannot be done now.
pub async fn upgrade(
    connection: &mut PgConnection,
    rollout: &Rollout,
    tenant: TenantId,
) -> Result<bool, sqlx::Error> {
    let operation = OperationId::generate();
    let reason = match &rollout.reason {
        Some(reason) => format!("{}: {reason}", rollout.id),
        None => rollout.id.to_string(),
    };
    let asked = Asked {
        actor: &rollout.asked_by,
        role: rollout.role,
        correlation_id: &rollout.correlation_id,
        traceparent: None,
        reason: Some(&reason),
    };
    let request = TenantUpgrade::to(rollout.version);
    // Somebody who is at this tenant for longer keeps nobody else waiting.
    sqlx::query("set local lock_timeout = '1s'").execute(&mut *connection).await?;
    let new = NewOperation::of(operation, &tenant, &request, asked);
    if !operations::accept(&mut *connection, &new, None).await? {
        return Ok(false);
    }
    let begun = "update rollout_tenants set status = 'running', operation_id = $3, wave = $4, detail = null where rollout_id = $1 and tenant_id = $2";
    let begun = sqlx::query(begun).bind(rollout.id).bind(tenant).bind(operation).bind(rollout.waves + 1);
    begun.execute(connection).await.map(|_| true)
}

/// One more wave has begun.
pub async fn begun(executor: impl PgExecutor<'_>, rollout: RolloutId) -> Result<(), sqlx::Error> {
    sqlx::query("update rollouts set waves = waves + 1 where id = $1")
        .bind(rollout)
        .execute(executor)
        .await
        .map(drop)
}

/// Nobody begins any more.
pub async fn end(executor: impl PgExecutor<'_>, rollout: RolloutId, status: &str) -> Result<(), sqlx::Error> {
    let end =
        "update rollouts set status = $2, ended_at = clock_timestamp() where id = $1 and status = 'running'";
    sqlx::query(end).bind(rollout).bind(status).execute(executor).await.map(drop)
}
