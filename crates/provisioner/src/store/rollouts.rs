//! Rollouts, and how far they are.

mod write;

use common::{
    id::{RolloutId, TenantId},
    role::Role,
    tenant::{Mode, TenantStatus},
    version::Version,
};
use sqlx::{FromRow, PgExecutor};

pub use write::{begun, end, follow, pass_over, postpone, upgrade};

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

/// Which have something to be seen to? Those that are not over, and those of whose tenants some are under way, or go on after a person helped.
pub async fn open(executor: impl PgExecutor<'_>) -> Result<Vec<RolloutId>, sqlx::Error> {
    let open = "select r.id from rollouts r
                 where r.status = 'running'
                    or exists (select from rollout_tenants i join operations o on o.id = i.operation_id
                                where i.rollout_id = r.id and i.status in ('running', 'failed')
                                  and (i.status = 'running' or o.status not in ('rolled_back', 'abandoned', 'stuck')))
                 order by r.created_at";
    sqlx::query_scalar(open).fetch_all(executor).await
}

macro_rules! locked {
    ($how:literal) => {
        concat!(
            "select r.id, r.n8n_version, r.concurrency, r.max_failures::bigint as max_failures, r.waves, r.status <> 'running' as over,
                    r.asked_by, r.role, r.correlation_id, r.reason
               from rollouts r where r.id = $1 for update of r ",
            $how
        )
    };
}

/// It, for as long as the transaction lasts; `None` while somebody else has it.
pub async fn turn(executor: impl PgExecutor<'_>, rollout: RolloutId) -> Result<Option<Rollout>, sqlx::Error> {
    let row: Option<Row> =
        sqlx::query_as(locked!("skip locked")).bind(rollout).fetch_optional(executor).await?;
    row.map(Rollout::try_from).transpose()
}

/// The same once nobody else has it: somebody who only looks has it for a moment.
pub async fn next_turn(
    executor: impl PgExecutor<'_>,
    rollout: RolloutId,
) -> Result<Option<Rollout>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(locked!("")).bind(rollout).fetch_optional(executor).await?;
    row.map(Rollout::try_from).transpose()
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

/// How many of its tenants are how?
pub async fn counts(executor: impl PgExecutor<'_>, rollout: RolloutId) -> Result<Counts, sqlx::Error> {
    sqlx::query_as("select * from rollout_counts($1)").bind(rollout).fetch_one(executor).await
}

/// The newest rollout.
#[derive(Debug, Default, FromRow)]
pub struct Newest {
    /// Whether too many failed, within a day: by then it was seen.
    pub stopped: bool,
    #[sqlx(flatten)]
    pub counts: Counts,
}

/// How is the newest that has tenants?
pub async fn newest(executor: impl PgExecutor<'_>) -> Result<Option<Newest>, sqlx::Error> {
    let newest = "select r.status = 'stopped' and r.ended_at > now() - interval '1 day' as stopped, n.*
                    from (select id, status, ended_at from rollouts x
                           where exists (select from rollout_tenants i where i.rollout_id = x.id)
                           order by created_at desc, id desc limit 1) r
                   cross join lateral rollout_counts(r.id) n";
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
    /// Whether something that is done to it waits for a person.
    pub is_stuck: bool,
    pub has_two_sides: bool,
}

/// More are looked at in the next round.
const LOOKED_AT: i64 = 200;

/// Whose turn is it next?
pub async fn candidates(
    executor: impl PgExecutor<'_>,
    rollout: &Rollout,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let candidates =
        "select t.id, t.status, t.mode, coalesce(n8n_release(t.n8n_version) >= n8n_release($2), false),
                             exists (select from operations o where o.tenant_id = t.id and o.status = 'stuck'), t.second_version is not null
                        from rollout_tenants i join tenants t on t.id = i.tenant_id
                       where i.rollout_id = $1 and i.status = 'waiting' and i.not_before <= now()
                       order by i.ordinal limit $3";
    let candidates =
        sqlx::query_as(candidates).bind(rollout.id).bind(rollout.version.to_string()).bind(LOOKED_AT);
    let rows: Vec<(TenantId, String, String, bool, bool, bool)> = candidates.fetch_all(executor).await?;
    let read = |row: (TenantId, String, String, bool, bool, bool)| {
        let (tenant, status, mode, has_it, is_stuck, has_two_sides) = row;
        let unreadable = |error| sqlx::Error::Decode(format!("tenant {tenant}: {error}").into());
        Ok(Candidate {
            tenant,
            status: status.parse().map_err(unreadable)?,
            mode: mode.parse().map_err(unreadable)?,
            has_it,
            is_stuck,
            has_two_sides,
        })
    };
    rows.into_iter().map(read).collect()
}
