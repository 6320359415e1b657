//! Schedules and what became of their last firing. No owner gets here.

use common::id::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::reader::{Reader, seen};
use crate::{
    http::cursor::{NameCursor, Page},
    operations::Failure,
    vocabulary,
};

/// Something that is done again and again.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct Schedule {
    #[schema(example = "audit.verify")]
    pub name: String,
    /// What it runs.
    job: String,
    /// Whose it is, if it is a tenant's.
    #[schema(value_type = Option<String>)]
    pub tenant_id: Option<TenantId>,
    /// Which cluster it is for, if it is for one.
    cluster: Option<String>,
    /// Minute, hour, day, month, weekday, on the clocks of `zone`.
    #[schema(example = "30 3 * * *")]
    cron: String,
    #[schema(example = "Europe/Berlin")]
    zone: String,
    /// What becomes of firings that nobody was there for: `catch_up` or `skip`.
    #[schema(value_type = vocabulary::Misses)]
    misses: String,
    /// It fires up to so many seconds late.
    jitter_seconds: i32,
    /// Absent while it fires.
    #[sqlx(json(nullable))]
    paused: Option<Pause>,
    /// Without its jitter.
    #[serde(with = "rfc3339")]
    next_due_at: OffsetDateTime,
    #[sqlx(json(nullable))]
    last_firing: Option<Firing>,
}

/// Since when a schedule is paused, by whom, and why.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Pause {
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    by: String,
    reason: Option<String>,
}

/// What became of a firing.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Firing {
    /// With the schedule's name, its key: there is one firing of each due time.
    #[serde(with = "rfc3339")]
    due_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    fired_at: OffsetDateTime,
    /// `waiting`, `running`, `done` or `failed` (for good).
    #[schema(value_type = vocabulary::FiringState)]
    state: String,
    attempts: i32,
    /// Of the last attempt that failed.
    error: Option<Failure>,
    #[serde(with = "rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

/// Every question about schedules begins like this.
macro_rules! schedules {
    ($($rest:tt)+) => {
        concat!(
            "select s.name, s.job, s.tenant_id, s.cluster, s.cron, s.zone, s.misses, s.jitter_seconds, s.next_due as next_due_at,
                    case when s.paused_at is not null then
                        json_build_object('at', s.paused_at, 'by', coalesce(s.paused_by, ''), 'reason', s.paused_reason)
                    end as paused,
                    (select json_build_object('due_at', f.due_at, 'fired_at', f.fired_at, 'state', f.state,
                                'attempts', f.attempts, 'error', f.error, 'finished_at', f.finished_at)
                       from schedule_firings f where f.schedule = s.name
                      order by f.due_at desc limit 1) as last_firing
               from schedules s
              where s.retired_at is null and ",
            $($rest)+
        )
    };
}

/// Which schedule has this name?
pub async fn find(executor: impl PgExecutor<'_>, name: &str) -> Result<Option<Schedule>, sqlx::Error> {
    sqlx::query_as(schedules!("s.name = $1")).bind(name).fetch_optional(executor).await
}

/// Which schedules come next, by name?
pub async fn page(reader: &Reader<'_>, page: &Page<NameCursor>) -> Result<Vec<Schedule>, sqlx::Error> {
    let rows = reader.ask(schedules!(
        seen!("s.tenant_id"),
        " and ($2::text is null or s.name collate \"C\" > $2) order by s.name collate \"C\" limit $3"
    ));
    rows.bind(page.after.as_ref().map(|after| &after.0)).bind(page.rows()).all().await
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
