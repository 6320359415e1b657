//! What instances run: how much now, and how much in each hour.
//!
//! It is read from a *meter* of the platform's in the instance's database (`databases/postgres/meter.sql`, ADR 49): n8n's own table has no rows of
//! what was pruned, deleted or not saved.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use common::tenant::ExecutionKind;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::databases::{DatabaseError, Name};

mod activity;
mod history;
mod hours;
mod postgres;
mod proof;

/// Executions of instances. Each verb may be repeated and may run several times at once.
#[async_trait]
pub trait Executions: Send + Sync {
    /// Makes the instance's executions be counted from now on, those that are there among them. It needs the instance's tables.
    async fn ensure_meter(&self, instance: &Name) -> Result<(), DatabaseError>;

    /// What goes on in the instance: of each project of its own, or of all of them together under an empty name. One that is idle is not in it.
    async fn activity(&self, instance: &Name, of: Whose)
    -> Result<BTreeMap<String, Activity>, DatabaseError>;

    /// The hours of which anything changed since that moment, each as it is now. Without a moment, all that are kept.
    async fn hours(&self, instance: &Name, since: Option<OffsetDateTime>) -> Result<Metered, DatabaseError>;

    /// Forgets executions that ended and began before this.
    async fn forget(&self, instance: &Name, before: OffsetDateTime) -> Result<u64, DatabaseError>;

    /// Of those who share the instance, each keeps so many of its ended executions, the latest; the others are marked as deleted, and n8n removes
    /// them as it does those that it marks itself. Those that somebody has annotated stay. How many were marked.
    async fn prune_each(&self, instance: &Name, kept: u32) -> Result<u64, DatabaseError>;

    /// Whether an execution that begins and ends is seen by all of the above. Nothing is left of it. `false` is a meter that does not see.
    async fn is_seen(&self, instance: &Name) -> Result<bool, DatabaseError>;
}

/// What is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The whole instance is one tenant's.
    Everybodys,
    /// Tenants share it.
    EachProjects,
}

/// What runs and how it went. Those by hand and those within others neither wait in a queue nor come from outside: the former count as
/// running and in nothing else, the latter not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Wait to begin.
    pub queued: u64,
    pub running: u64,
    /// How long the one that waits longest has waited.
    pub oldest: Option<Duration>,
    /// Began within the last minute.
    pub began_in_minute: u64,
    /// From entering the queue to beginning, of those that began within [`RECENT`]. `None`: none did.
    pub queue_wait_p95: Option<Duration>,
    /// From beginning to end, of those that ended within [`RECENT`].
    pub duration_p95: Option<Duration>,
    /// Ended well within [`OUTCOMES`].
    pub succeeded: u64,
    /// Ended badly within [`OUTCOMES`].
    pub failed: u64,
}

/// So many ended executions of each who shares an n8n are kept, as an n8n of one's own keeps; and none for longer than its two weeks.
pub const KEPT_OF_EACH: u32 = 10_000;

/// What percentiles are of.
pub const RECENT: Duration = Duration::from_secs(300);

/// What the rate of success is of.
pub const OUTCOMES: Duration = Duration::from_secs(900);

/// What was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Metered {
    /// Which copy of the database counted it: the same hours of another copy are to be added to these, not put in their place.
    pub source: Uuid,
    /// Everything that was to be seen before this is in it: where the next look begins.
    pub until: OffsetDateTime,
    pub hours: Vec<HourCount>,
}

/// All executions of one kind that began within one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCount {
    /// None for workflows that are nobody's.
    pub project: Option<String>,
    /// Its beginning; hours are of UTC.
    pub hour: OffsetDateTime,
    pub kind: ExecutionKind,
    pub executions: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub canceled: u64,
    /// Ended, and n8n did not keep how.
    pub discarded: u64,
    /// How long those that ended took, all together.
    pub run: Duration,
}
