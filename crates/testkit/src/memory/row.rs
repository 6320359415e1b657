//! One operation, and what a statement does to it.

use std::time::Duration;

use common::{
    id::OperationId,
    operations::{Claim, Claimed, Class, Entry, Event, NewEntry, OperationKind, Parent, Subject, Transition},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Request, status_of};

/// How an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Queued,
    Running,
    Undoing,
    Stuck,
    Succeeded,
    RolledBack,
    Abandoned,
}

impl Status {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Undoing => "undoing",
            Self::Stuck => "stuck",
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled_back",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether a worker may act for it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Undoing)
    }

    /// Whether nothing will happen to it any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::RolledBack | Self::Abandoned)
    }
}

/// An operation. The names are those of the table's columns.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: OperationId,
    pub kind: &'static OperationKind,
    pub subject: Subject,
    pub request: Value,
    pub parent: Option<OperationId>,
    pub cluster: Option<String>,
    pub status: Status,
    pub priority: i16,
    pub not_before: Duration,
    pub deadline: Duration,
    pub lease_owner: Option<String>,
    pub lease_until: Option<Duration>,
    pub fence: i64,
    pub error: Option<Value>,
    pub cancellation: Option<Value>,
    pub created_at: Duration,
    pub finished_at: Option<Duration>,
    pub journal: Vec<JournalRow>,
    /// A part of it has ended since it was last claimed.
    pub child_ended: bool,
    /// Its end was told to the operation that it is a part of.
    pub(super) told_parent: bool,
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    pub ordinal: usize,
    pub event: Event,
    pub fence: i64,
    pub output: Option<Value>,
    pub error: Option<Value>,
    pub cause: Option<String>,
}

impl JournalRow {
    pub(crate) fn new(entry: &NewEntry<'_>, fence: i64) -> Self {
        let NewEntry { ordinal, event, .. } = *entry;
        let (output, error, cause) = (entry.output.clone(), entry.error.clone(), entry.cause.clone());
        Self { ordinal, event, fence, output, error, cause }
    }

    pub(super) fn entry(&self) -> Entry {
        let class = self.error.as_ref().and_then(Class::of_error);
        Entry { ordinal: self.ordinal, event: self.event, output: self.output.clone(), class }
    }
}

impl Row {
    pub(super) fn new(request: &Request, now: Duration) -> Self {
        Self {
            id: request.id,
            kind: request.kind,
            subject: request.subject.clone(),
            // Read by each kind as its own; what it does not know it leaves.
            request: json!({ "mode": "dedicated", "plan": "pro" }),
            parent: request.parent,
            cluster: request.subject.cluster().map(|cluster| cluster.as_str().to_owned()),
            status: Status::Queued,
            priority: request.priority,
            not_before: now + request.delay,
            deadline: now + request.deadline,
            lease_owner: None,
            lease_until: None,
            fence: 0,
            error: None,
            cancellation: None,
            created_at: now,
            finished_at: None,
            journal: Vec::new(),
            child_ended: false,
            told_parent: false,
        }
    }

    pub(super) fn lease_runs(&self, now: Duration) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// Whether it counts as one of those of the cluster that are under a lease.
    pub(super) fn is_busy(&self, claim: &Claim<'_>, now: Duration) -> bool {
        let here = claim.cluster.is_none_or(|asking| self.cluster.as_deref() == Some(asking));
        here && self.status.is_open() && self.lease_runs(now)
    }

    pub(super) fn is_due(&self, claim: &Claim<'_>, now: Duration) -> bool {
        let here = self.cluster.as_deref().is_none_or(|own| claim.cluster.is_none_or(|asking| own == asking));
        let open = self.status.is_open() && claim.kinds.contains(&self.kind);
        open && here && self.not_before <= now && !self.lease_runs(now)
    }

    /// Whether these two take turns: a tenant's (or cluster's) operations in each lane, and the parts of one operation.
    fn takes_turns_with(&self, other: &Self) -> bool {
        let lanes = self.kind.lane == other.kind.lane || self.kind.alone || other.kind.alone;
        self.subject == other.subject && self.parent == other.parent && (lanes || self.parent.is_some())
    }

    /// Whether `other` has to wait for this one. What has begun waits for nobody, and nobody waits for
    /// what waits for a later moment.
    pub(super) fn precedes(&self, other: &Self, now: Duration) -> bool {
        let first = match self.status {
            Status::Queued if self.not_before > now => false,
            Status::Queued => (self.created_at, self.id) < (other.created_at, other.id),
            Status::Running | Status::Undoing | Status::Stuck => self.id != other.id,
            Status::Succeeded | Status::RolledBack | Status::Abandoned => false,
        };
        first && self.takes_turns_with(other) && other.status == Status::Queued
    }

    pub(super) fn hand_out(&mut self, claim: &Claim<'_>, parent: Option<Parent>, now: Duration) -> Claimed {
        if self.status == Status::Running && self.cancellation.is_some() {
            self.turn_back();
        }
        if self.status == Status::Queued {
            self.status = Status::Running;
        }
        let orphaned = self.lease_until.is_some();
        self.child_ended = false;
        self.cluster = self.cluster.take().or(claim.cluster.map(str::to_owned));
        self.lease_owner = Some(claim.owner.to_owned());
        self.lease_until = Some(now + claim.lease);
        self.fence += 1;
        Claimed {
            id: self.id,
            kind: self.kind,
            subject: self.subject.clone(),
            parent,
            request: self.request.clone(),
            undoing: self.status == Status::Undoing,
            deadline: Instant::now() + self.deadline.saturating_sub(now),
            orphaned,
            fence: self.fence,
            actor: "test".into(),
            correlation_id: "test".into(),
            traceparent: None,
            age: now.saturating_sub(self.created_at),
            fresh: self.fence == 1,
            asked_at: claim.asked_at,
        }
    }

    fn turn_back(&mut self) {
        self.status = Status::Undoing;
        self.error.clone_from(&self.cancellation);
    }

    /// What a write makes of the operation.
    pub(super) fn transition(&mut self, transition: &Transition, now: Duration, lease: Duration) {
        let cancelled = self.status == Status::Running && self.cancellation.is_some() && heeds(transition);
        if cancelled {
            self.turn_back();
        }
        if cancelled || matches!(transition, Transition::Continue | Transition::Undo { .. }) {
            self.lease_until = Some(now + lease);
        } else {
            (self.lease_owner, self.lease_until) = (None, None);
        }
        if cancelled {
            return;
        }
        match transition {
            Transition::Continue => {}
            Transition::Undo { error } => {
                self.status = Status::Undoing;
                self.error = Some(error.clone());
            }
            Transition::Postpone { pause, error } => {
                self.not_before = if self.child_ended { now } else { now + *pause };
                self.error = error.clone().or(self.error.take());
            }
            Transition::Finish { end, error } => {
                self.status = status_of(*end);
                self.error = error.clone().or(self.error.take());
                self.finished_at = self.status.is_over().then_some(now);
            }
        }
    }
}

/// Whether a cancellation that came meanwhile turns the operation back at this transition.
fn heeds(transition: &Transition) -> bool {
    match transition {
        Transition::Continue => true,
        Transition::Undo { .. } => false,
        Transition::Postpone { pause, .. } => !pause.is_zero(),
        Transition::Finish { end, .. } => status_of(*end) == Status::Succeeded,
    }
}
