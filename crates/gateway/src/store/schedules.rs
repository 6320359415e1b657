//! Schedules and what became of their last firing. Callers see all of them: no owner gets here.

use common::id::TenantId;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

use crate::http::cursor::{NameCursor, Page};

/// A schedule with its newest firing.
#[derive(Debug, Clone, FromRow)]
pub struct Schedule {
    pub name: String,
    pub job: String,
    pub tenant_id: Option<TenantId>,
    pub cluster: Option<String>,
    pub cron: String,
    pub zone: String,
    pub misses: String,
    pub jitter_seconds: i32,
    pub paused_at: Option<OffsetDateTime>,
    pub paused_by: Option<String>,
    pub paused_reason: Option<String>,
    pub next_due: OffsetDateTime,
    #[sqlx(flatten)]
    pub last: LastFiring,
}

/// The newest firing, if there is one: then all but `error` and `finished_at` are there.
#[derive(Debug, Clone, FromRow)]
pub struct LastFiring {
    pub due_at: Option<OffsetDateTime>,
    pub fired_at: Option<OffsetDateTime>,
    pub state: Option<String>,
    pub attempts: Option<i32>,
    pub error: Option<Value>,
    pub finished_at: Option<OffsetDateTime>,
}

/// Every question about schedules begins like this.
macro_rules! schedules {
    ($rest:literal) => {
        concat!(
            "select s.name, s.job, s.tenant_id, s.cluster, s.cron, s.zone, s.misses, s.jitter_seconds, s.paused_at, s.paused_by,
                    s.paused_reason, s.next_due, f.due_at, f.fired_at, f.state, f.attempts, f.error, f.finished_at
               from schedules s
               left join lateral (select * from schedule_firings f where f.schedule = s.name
                                   order by f.due_at desc limit 1) f on true
              where s.retired_at is null and ",
            $rest
        )
    };
}

/// Which schedule has this name?
pub async fn find(executor: impl PgExecutor<'_>, name: &str) -> Result<Option<Schedule>, sqlx::Error> {
    sqlx::query_as(schedules!("s.name = $1")).bind(name).fetch_optional(executor).await
}

/// Which schedules come next, by name?
pub async fn page(
    executor: impl PgExecutor<'_>,
    page: &Page<NameCursor>,
) -> Result<Vec<Schedule>, sqlx::Error> {
    let rows = sqlx::query_as(schedules!(
        "($1::text is null or s.name collate \"C\" > $1) order by s.name collate \"C\" limit $2"
    ));
    rows.bind(page.after.as_ref().map(|after| &after.0)).bind(page.rows()).fetch_all(executor).await
}

/// Did the last verification of the audit log that came to a verdict find it broken?
pub async fn audit_chain_is_broken(executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select coalesce((
             select f.state = 'failed' from schedule_firings f join schedules s on s.name = f.schedule
              where s.job = 'audit.verify' and (f.state = 'done' or f.error ->> 'kind' = 'conflict')
              order by f.due_at desc limit 1), false)",
    )
    .fetch_one(executor)
    .await
}
