//! What schedules need of wherever they are kept.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Firing, Rule, Schedule, ScheduleError};

/// A record of schedules and their firings. Each verb happens as a whole or not at all, and one after the other for one
/// schedule; an error may hide that it happened.
#[async_trait]
pub trait Record: fmt::Debug + Send + Sync {
    /// How long a lease lasts without being renewed.
    fn lease(&self) -> Duration;

    /// Makes the platform's rows of this service what it declares. A new schedule, one that comes back and one with another expression
    /// or zone is due from now on; every other goes on where it is, and a pause stays. One that is declared no longer is
    /// retired. What is so already is not written.
    async fn declare(&self, service: &str, declared: &[(Schedule, Rule)]) -> Result<(), ScheduleError>;

    /// Makes one row what is said here, as [`Self::declare`] does, and leaves every other as it is.
    async fn ensure(&self, service: &str, schedule: &Schedule, rule: &Rule) -> Result<(), ScheduleError>;

    /// Retires this schedule of this service, if there is one.
    async fn remove(&self, service: &str, name: &str) -> Result<(), ScheduleError>;

    /// Decides about one schedule of these jobs that is due and that nobody else is deciding about. Fires nothing twice.
    async fn fire_one(&self, jobs: &[&str]) -> Result<Option<Decided>, ScheduleError>;

    /// Hands out the oldest firing of these jobs that may be run now, if there is one, under a lease and with the next fence.
    async fn claim(&self, jobs: &[&str]) -> Result<Option<Claimed>, ScheduleError>;

    /// Makes the lease last for its whole length again; fails unless this fence is the newest and its lease has not ended.
    async fn renew(&self, claimed: &Claimed) -> Result<(), ScheduleError>;

    /// Notes what became of an attempt and takes the lease back; fails as [`Self::renew`] does.
    async fn finish(&self, claimed: &Claimed, outcome: &Outcome) -> Result<(), ScheduleError>;
}

/// A schedule that was decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub schedule: String,
    pub job: String,
    pub since: OffsetDateTime,
    pub fired: u64,
    pub passed_over: u64,
}

/// A firing that this process may run.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub firing: Firing,
    pub job: String,
    pub fence: i64,
    /// Since it was to fire.
    pub late: Duration,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Done,
    /// For good.
    Failed(Value),
    /// It is tried again after this pause.
    Again {
        pause: Duration,
        error: Value,
    },
    /// It was not tried to its end, which is nobody's fault: somebody else does, at once.
    Released,
}
