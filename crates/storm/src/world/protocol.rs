//! What workers and the world say to each other.

use std::fmt;

use common::id::{OperationId, TenantId};
use serde::{Deserialize, Serialize};

/// In whose name something is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub worker: String,
    pub operation: OperationId,
    pub tenant: TenantId,
    pub fence: i64,
}

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    pub by: Holder,
    pub verb: Verb,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Verb {
    /// What does the holder's tenant have?
    Look,
    /// Whether or not there is one already.
    Make {
        kind: Kind,
        name: String,
        mark: String,
        /// Of a container.
        #[serde(default)]
        limits: Option<Limits>,
    },
    /// Gone is gone: what is not there need not be removed.
    Drop { id: u64 },
    /// Gives a container other limits, on the fly.
    Resize { id: u64, limits: Limits },
    /// Lets a container begin anew.
    Restart { id: u64 },
    /// What waits in the tenant's queue, or runs: a [`Kind::Job`] each.
    Pending,
}

impl Verb {
    /// Whether it leaves everything as it is.
    pub fn only_looks(&self) -> bool {
        matches!(self, Self::Look | Self::Pending)
    }
}

/// What each container of a tenant gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Limits {
    pub cpu_millis: u32,
    pub memory_mb: u32,
}

/// What sort of thing a tenant can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Role,
    Database,
    Owner,
    Key,
    Queue,
    Network,
    Volume,
    Container,
    /// An execution that was accepted and has not ended.
    Job,
}

/// Something that a tenant has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub id: u64,
    pub kind: Kind,
    pub name: String,
    /// What else its maker wanted remembered.
    pub mark: String,
    /// Of a container; a former release's worker does not say them.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// When a container last began: later ones have larger numbers.
    #[serde(default)]
    pub began: u64,
}

impl Object {
    /// One execution.
    pub fn job() -> Self {
        let (name, mark) = (String::new(), String::new());
        Self { id: 0, kind: Kind::Job, name, mark, limits: None, began: 0 }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look => f.write_str("look"),
            Self::Make { .. } => f.write_str("make"),
            Self::Drop { .. } => f.write_str("drop"),
            Self::Resize { limits, .. } => write!(f, "resize to {limits:?}"),
            Self::Restart { .. } => f.write_str("restart"),
            Self::Pending => f.write_str("pending"),
        }
    }
}
