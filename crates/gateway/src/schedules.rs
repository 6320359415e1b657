//! Schedules as the API shows them.

use common::id::TenantId;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    operations::Failure,
    store::schedules::{LastFiring, Schedule},
    vocabulary,
};

/// Something that is done again and again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub struct ScheduleView {
    #[schema(example = "audit.verify")]
    name: String,
    /// What it runs.
    job: String,
    /// Whose it is, if it is a tenant's.
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
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
    paused: Option<PauseView>,
    /// Without its jitter.
    #[serde(with = "rfc3339")]
    next_due_at: OffsetDateTime,
    last_firing: Option<FiringView>,
}

/// Since when a schedule is paused, by whom, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pause)]
pub struct PauseView {
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    by: String,
    reason: Option<String>,
}

/// What became of a firing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Firing)]
pub struct FiringView {
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

impl From<Schedule> for ScheduleView {
    fn from(schedule: Schedule) -> Self {
        let (by, reason) = (schedule.paused_by, schedule.paused_reason);
        Self {
            name: schedule.name,
            job: schedule.job,
            tenant_id: schedule.tenant_id,
            cluster: schedule.cluster,
            cron: schedule.cron,
            zone: schedule.zone,
            misses: schedule.misses,
            jitter_seconds: schedule.jitter_seconds,
            paused: schedule.paused_at.map(|at| PauseView { at, by: by.unwrap_or_default(), reason }),
            next_due_at: schedule.next_due,
            last_firing: firing(schedule.last),
        }
    }
}

fn firing(last: LastFiring) -> Option<FiringView> {
    Some(FiringView {
        due_at: last.due_at?,
        fired_at: last.fired_at?,
        state: last.state?,
        attempts: last.attempts?,
        error: last.error.as_ref().map(Failure::of),
        finished_at: last.finished_at,
    })
}
