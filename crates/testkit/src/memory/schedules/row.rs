//! One schedule, one firing, and what a statement does to them.

use common::schedules::{Moment, Outcome, Row, Schedule};
use serde_json::Value;
use time::OffsetDateTime;

/// A schedule. The names are those of the table's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    pub row: Row,
    pub fires_at: OffsetDateTime,
    pub pause: Option<Pause>,
}

/// Who holds a schedule back, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub by: String,
    pub why: String,
}

/// How a firing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Waiting,
    Running,
    Done,
    Failed,
}

/// A firing. The names are those of the table's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct FiringRow {
    pub fires_at: OffsetDateTime,
    pub state: State,
    pub attempts: i32,
    pub not_before: OffsetDateTime,
    pub lease_until: Option<OffsetDateTime>,
    pub fence: i64,
    pub error: Option<Value>,
    pub finished_at: Option<OffsetDateTime>,
}

impl State {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing will happen to it any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

impl ScheduleRow {
    pub(super) fn new(service: &str, schedule: &Schedule, next: Moment, pause: Option<Pause>) -> Self {
        let (tenant_id, cluster) = schedule.subject.columns();
        let row = Row {
            name: schedule.name.clone(),
            service: service.to_owned(),
            job: schedule.job.clone(),
            tenant_id,
            cluster: cluster.map(str::to_owned),
            cron: schedule.cron.clone(),
            zone: schedule.zone.clone(),
            misses: schedule.misses.as_str().to_owned(),
            jitter_seconds: schedule.jitter_seconds.into(),
            payload: schedule.payload.clone(),
            retired: false,
            next_due: next.due_at,
        };
        Self { row, fires_at: next.fires_at, pause }
    }

    /// Whether anything of it may begin, for somebody who knows these jobs.
    pub fn is_open(&self, jobs: &[&str]) -> bool {
        self.pause.is_none() && !self.row.retired && jobs.contains(&&*self.row.job)
    }
}

impl FiringRow {
    pub(super) fn new(fires_at: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self {
            fires_at,
            state: State::Waiting,
            attempts: 0,
            not_before: now,
            lease_until: None,
            fence: 0,
            error: None,
            finished_at: None,
        }
    }

    pub(super) fn lease_runs(&self, now: OffsetDateTime) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    pub(super) fn end_attempt(&mut self, outcome: &Outcome, now: OffsetDateTime) {
        self.lease_until = None;
        match outcome {
            Outcome::Done => (self.state, self.error) = (State::Done, None),
            Outcome::Failed(error) => (self.state, self.error) = (State::Failed, Some(error.clone())),
            Outcome::Again { pause, error } => {
                (self.state, self.error) = (State::Waiting, Some(error.clone()));
                self.not_before = now + *pause;
            }
            Outcome::Released => {
                self.state = State::Waiting;
                self.attempts -= 1;
            }
        }
        self.finished_at = self.state.is_over().then_some(now);
    }
}
