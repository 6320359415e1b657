//! Rollouts, and how far they are.

use common::{
    id::{OperationId, RolloutId, TenantId},
    operations::{self, Asked, NewOperation},
    role::Role,
    tenant::{Mode, TenantStatus},
    version::Version,
};
use sqlx::{FromRow, PgConnection, PgExecutor};
use wire::kinds::TenantUpgrade;

/// What a rollout is to do, and how far it is.
#[derive(Debug)]
pub struct Rollout {
    pub id: RolloutId,
    pub version: Version,
    pub concurrency: i32,
    pub max_failures: i64,
    /// How many waves have begun.
    pub waves: i32,
    /// Nobody begins any more; some may be under way.
    pub over: bool,
    asked_by: String,
    role: Role,
    correlation_id: String,
    reason: Option<String>,
}

#[derive(FromRow)]
struct Row {
    id: RolloutId,
    n8n_version: String,
    concurrency: i32,
    max_failures: i64,
    waves: i32,
    over: bool,
    asked_by: String,
    role: String,
    correlation_id: String,
    reason: Option<String>,
}

impl TryFrom<Row> for Rollout {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let unreadable = |error: &dyn std::fmt::Display| {
            sqlx::Error::Decode(format!("rollout {}: {error}", row.id).into())
        };
        Ok(Self {
            version: row.n8n_version.parse().map_err(|error| unreadable(&error))?,
            role: row.role.parse().map_err(|error| unreadable(&error))?,
            id: row.id,
            concurrency: row.concurrency,
            max_failures: row.max_failures,
            waves: row.waves,
            over: row.over,
            asked_by: row.asked_by,
            correlation_id: row.correlation_id,
            reason: row.reason,
        })
    }
}

/// Which have something to be seen to that no other replica sees to at this moment?
pub async fn open(executor: impl PgExecutor<'_>) -> Result<Vec<Rollout>, sqlx::Error> {
    let open = "select r.id, r.n8n_version, r.concurrency, r.max_failures::bigint as max_failures, r.waves, r.status <> 'running' as over,
                       r.asked_by, r.role, r.correlation_id, r.reason
                  from rollouts r
                 where r.status = 'running'
                    or exists (select from rollout_tenants i where i.rollout_id = r.id and i.status = 'running')
                 order by r.created_at for update of r skip locked";
    let rows: Vec<Row> = sqlx::query_as(open).fetch_all(executor).await?;
    rows.into_iter().map(Rollout::try_from).collect()
}

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

/// How many of a rollout's tenants are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct Counts {
    pub waiting: i64,
    /// Of those that wait, the ones that nothing else is done to as far as is known.
    pub due: i64,
    pub running: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub skipped: i64,
}

/// The counts of the tenants `i` that a query selects.
macro_rules! counts {
    () => {
        "count(*) filter (where i.status = 'waiting') as waiting,
         count(*) filter (where i.status = 'waiting' and i.not_before <= now()) as due,
         count(*) filter (where i.status = 'running') as running, count(*) filter (where i.status = 'succeeded') as succeeded,
         count(*) filter (where i.status = 'failed') as failed, count(*) filter (where i.status = 'skipped') as skipped"
    };
}

/// How many of its tenants are how?
pub async fn counts(executor: impl PgExecutor<'_>, rollout: RolloutId) -> Result<Counts, sqlx::Error> {
    let counts = concat!("select ", counts!(), " from rollout_tenants i where i.rollout_id = $1");
    sqlx::query_as(counts).bind(rollout).fetch_one(executor).await
}

/// The newest rollout.
#[derive(Debug, Default, FromRow)]
pub struct Newest {
    /// Whether too many failed.
    pub stopped: bool,
    #[sqlx(flatten)]
    pub counts: Counts,
}

/// How is the newest?
pub async fn newest(executor: impl PgExecutor<'_>) -> Result<Option<Newest>, sqlx::Error> {
    let newest = concat!(
        "select r.status = 'stopped' as stopped, n.*
           from (select id, status from rollouts order by created_at desc, id desc limit 1) r
           cross join lateral (select ",
        counts!(),
        " from rollout_tenants i where i.rollout_id = r.id) n"
    );
    sqlx::query_as(newest).fetch_optional(executor).await
}

/// One whose turn it is, as it is now.
#[derive(Debug)]
pub struct Candidate {
    pub tenant: TenantId,
    pub status: TenantStatus,
    pub mode: Mode,
    /// Whether it runs what is rolled out, or what is later.
    pub has_it: bool,
}

/// More are looked at in the next round.
const LOOKED_AT: i64 = 200;

/// Whose turn is it next?
pub async fn candidates(
    executor: impl PgExecutor<'_>,
    rollout: &Rollout,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let candidates =
        "select t.id, t.status, t.mode, coalesce(n8n_release(t.n8n_version) >= n8n_release($2), false)
                        from rollout_tenants i join tenants t on t.id = i.tenant_id
                       where i.rollout_id = $1 and i.status = 'waiting' and i.not_before <= now()
                       order by i.ordinal limit $3";
    let candidates =
        sqlx::query_as(candidates).bind(rollout.id).bind(rollout.version.to_string()).bind(LOOKED_AT);
    let rows: Vec<(TenantId, String, String, bool)> = candidates.fetch_all(executor).await?;
    let read = |(tenant, status, mode, has_it): (TenantId, String, String, bool)| {
        let unreadable = |error| sqlx::Error::Decode(format!("tenant {tenant}: {error}").into());
        Ok(Candidate {
            tenant,
            status: status.parse().map_err(unreadable)?,
            mode: mode.parse().map_err(unreadable)?,
            has_it,
        })
    };
    rows.into_iter().map(read).collect()
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
    let postpone = "update rollout_tenants set not_before = now() + interval '30 seconds'
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
    let request = TenantUpgrade { n8n_version: rollout.version };
    let new = NewOperation::of(operation, &tenant, &request, asked);
    if !operations::accept(&mut *connection, &new, None).await? {
        return Ok(false);
    }
    let begun = "update rollout_tenants set status = 'running', operation_id = $3, wave = $4 where rollout_id = $1 and tenant_id = $2";
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
