//! What operations need of wherever they are kept.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use super::StoreError;
use crate::{
    id::OperationId,
    operations::{End, Entry, Event, NewOperation, OperationKind, Subject},
};

/// A record of operations. Each verb happens as a whole or not at all, and one after the other for one operation; an error
/// may hide that it happened.
#[async_trait]
pub trait Record: fmt::Debug + Send + Sync {
    /// Hands out an operation that may be acted for now, if there is one, under a lease and with the next fence.
    async fn claim(&self, claim: &Claim<'_>) -> Result<Option<Claimed>, StoreError>;

    /// Makes the lease last for this long again. A lease that its holder gave back is not lost.
    async fn renew(&self, id: OperationId, fence: i64, lease: Duration) -> Result<(), StoreError>;

    /// Fails unless this fence is the newest and its lease has not ended.
    async fn check(&self, id: OperationId, fence: i64) -> Result<(), StoreError>;

    /// Adds rows to the journal and turns the operation accordingly, or back if it was cancelled; fails as [`Self::check`]
    /// does. Returns whether it is going back now; then the lease is kept whatever the transition was.
    async fn write(
        &self,
        id: OperationId,
        fence: i64,
        entries: &[NewEntry<'_>],
        transition: &Transition,
        lease: Duration,
    ) -> Result<bool, StoreError>;

    /// The journal so far, oldest row first.
    async fn journal(&self, id: OperationId) -> Result<Vec<Entry>, StoreError>;

    /// How this part of its parent is; accepts it if it is not there. That happens only under this fence of the parent, and not once the
    /// parent is called off: then the part is [`Part::Open`] and never begins, and the parent's next write says why.
    async fn ensure_part(&self, new: &NewOperation<'_>, fence: i64) -> Result<Part, StoreError>;

    /// Calls off, under this fence, every part of this operation that is not over: one that has not begun is over then, and one of
    /// another sort goes back if `unwinding`. Returns those that are not over yet. One that is stuck is noted as called off, and waits for a person all the same.
    async fn cancel_parts(
        &self,
        parent: OperationId,
        fence: i64,
        unwinding: bool,
        why: &Value,
    ) -> Result<Vec<OperationId>, StoreError>;
}

/// How a part of an operation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Now.
    Accepted,
    /// It was accepted before, and is not over.
    Open,
    /// With the state that its last step left.
    Succeeded { state: Option<Value> },
    /// It was rolled back or given up.
    Failed { error: Option<Value>, cause: Option<String> },
}

/// The operation that another one is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    pub id: OperationId,
    pub kind: String,
    /// Whose workers do it.
    pub service: String,
}

/// What a worker asks for.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// What it can do.
    pub kinds: &'a [&'static OperationKind],
    /// Where: only what is this cluster's, or nobody's yet. `None`: anywhere.
    pub cluster: Option<&'a str>,
    /// In whose name.
    pub owner: &'a str,
    pub lease: Duration,
    /// The one accepted first, instead of the most urgent.
    pub oldest_first: bool,
    /// Nothing, while so many of those of this cluster are under a lease.
    pub at_most: u32,
    /// When, by the asking process's own clock.
    pub asked_at: Instant,
}

/// An operation that this process may act for.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: OperationId,
    pub kind: &'static OperationKind,
    pub subject: Subject,
    /// What it is a part of.
    pub parent: Option<Parent>,
    /// What it is asked to do.
    pub request: Value,
    pub undoing: bool,
    /// When its time is over, by this process's own clock.
    pub deadline: Instant,
    /// Whoever held it before has vanished: its lease ended, and was not given back.
    pub orphaned: bool,
    pub fence: i64,
    pub actor: String,
    pub correlation_id: String,
    pub traceparent: Option<String>,
    /// Since it was accepted, or its window began.
    pub age: Duration,
    /// Whether this is the first time anybody holds it.
    pub fresh: bool,
    /// When it was asked for. The lease lasts from then at the least.
    pub asked_at: Instant,
}

impl Claimed {
    /// Until its deadline.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether its deadline has passed.
    pub fn is_late(&self) -> bool {
        self.time_left().is_zero()
    }
}

/// One row to be written.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    pub ordinal: usize,
    pub step: &'a str,
    pub event: Event,
    pub output: Option<Value>,
    pub error: Option<Value>,
    /// For those who run the platform.
    pub cause: Option<String>,
}

/// What becomes of the operation together with the rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// It goes on.
    Continue,
    /// It goes back.
    Undo { error: Value },
    /// It rests, to be claimed again after this pause.
    Postpone { pause: Duration, error: Option<Value> },
    /// It is over.
    Finish { end: End, error: Option<Value> },
}
