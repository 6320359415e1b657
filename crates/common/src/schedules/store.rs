//! Schedules and their firings in Postgres.

mod claim;
mod declare;
mod fire;
mod forget;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{Claimed, Decided, Outcome, Record, Rule, Schedule, ScheduleError};

/// As long as an operation's.
const LEASE: Duration = Duration::from_secs(15);

/// Whose clock says what is due.
#[derive(Clone, Default)]
pub enum Clock {
    /// The record's, which all replicas share. Leases and pauses between attempts always go by it.
    #[default]
    Record,
    /// Another one, for tests.
    Given(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>),
}

impl Clock {
    /// What statements are given for `now()`; nothing, if they are to ask it themselves.
    fn given(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Record => None,
            Self::Given(clock) => Some(clock()),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Record => "Record",
            Self::Given(_) => "Given",
        })
    }
}

/// Where schedules are kept.
#[derive(Debug, Clone)]
pub struct ScheduleStore {
    pool: PgPool,
    clock: Clock,
    lease: Duration,
}

impl ScheduleStore {
    /// The schedules of this database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, clock: Clock::Record, lease: LEASE }
    }

    /// Makes this schedule what is said here, for as long as it is not removed: a service does so whenever what it goes by may have changed.
    /// One that is new, comes back, or has another expression or zone is due from now on; every other goes on where it is, and a pause
    /// stays. What is so already is not written.
    pub async fn ensure(&self, service: &str, schedule: &Schedule) -> Result<(), ScheduleError> {
        let rule = schedule.rule()?;
        Record::ensure(self, service, schedule, &rule).await
    }

    /// Nothing of this schedule begins any more; what runs is finished. There may be none.
    pub async fn remove(&self, service: &str, name: &str) -> Result<(), ScheduleError> {
        Record::remove(self, service, name).await
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same with leases of another length.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }
}

#[async_trait]
impl Record for ScheduleStore {
    fn lease(&self) -> Duration {
        self.lease
    }

    async fn declare(&self, service: &str, declared: &[(Schedule, Rule)]) -> Result<(), ScheduleError> {
        self.declare_rows(service, declared).await
    }

    async fn ensure(&self, service: &str, schedule: &Schedule, rule: &Rule) -> Result<(), ScheduleError> {
        self.ensure_row(service, schedule, rule).await
    }

    async fn remove(&self, service: &str, name: &str) -> Result<(), ScheduleError> {
        self.remove_row(service, name).await
    }

    async fn fire_one(&self, jobs: &[&str]) -> Result<Option<Decided>, ScheduleError> {
        self.decide_one(jobs).await
    }

    async fn claim(&self, jobs: &[&str]) -> Result<Option<Claimed>, ScheduleError> {
        self.claim_oldest(jobs).await
    }

    async fn renew(&self, claimed: &Claimed) -> Result<(), ScheduleError> {
        self.renew_lease(claimed).await
    }

    async fn finish(&self, claimed: &Claimed, outcome: &Outcome) -> Result<(), ScheduleError> {
        self.note_outcome(claimed, outcome).await
    }
}
