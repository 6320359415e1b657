//! What a schedule runs.

use async_trait::async_trait;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Subject;
use crate::error::{Classify, Kind, chain};

/// One firing, as its job sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    pub schedule: String,
    /// The moment it was due at. With the schedule's name it is the firing's key: whatever is done for it once is done
    /// under this key.
    pub due_at: OffsetDateTime,
    /// Whom it is done for.
    pub subject: Subject,
    /// What its schedule tells the job besides.
    pub payload: Value,
    /// 1 the first time.
    pub attempt: i32,
}

/// Work that a schedule begins.
///
/// It may be dropped at any `await`, when the process stops or its lease is lost, and is then run again for the same
/// firing. One schedule's firings are run one after the other, the oldest first.
#[async_trait]
pub trait Job: Send + Sync {
    /// The name schedules call it by.
    fn name(&self) -> &'static str;

    /// Does it.
    async fn run(&self, firing: &Firing) -> Result<(), JobError>;
}

/// Why a firing did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    pub(super) kind: Kind,
    pub(super) detail: String,
    pub(super) cause: String,
    pub(super) again: bool,
}

impl JobError {
    /// It went wrong, and is worth trying again unless its kind says otherwise.
    pub fn failed(error: &impl Classify) -> Self {
        let kind = error.kind();
        // Our own mistakes rarely go away; that they look like one more often.
        let again = kind.is_transient() || kind == Kind::Internal;
        Self { kind, detail: error.public_detail(), cause: chain(error), again }
    }

    /// It was found that something is so, and trying again would not change it. Public words.
    pub fn found(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { kind, cause: detail.clone(), detail, again: false }
    }

    /// It came to an unexpected end.
    pub(super) fn panicked() -> Self {
        let detail = "It came to an unexpected end.";
        Self { kind: Kind::Internal, detail: detail.into(), cause: detail.into(), again: true }
    }

    /// As the record keeps it.
    pub(super) fn told(&self) -> Value {
        json!({ "kind": self.kind.as_str(), "detail": self.detail })
    }
}

impl<E: Classify> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::failed(&error)
    }
}
