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
    Make { kind: Kind, name: String, mark: String },
    /// Gone is gone: what is not there need not be removed.
    Drop { id: u64 },
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
}

/// Something that a tenant has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub id: u64,
    pub kind: Kind,
    pub name: String,
    /// What else its maker wanted remembered.
    pub mark: String,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look => f.write_str("look"),
            Self::Make { kind, name, .. } => write!(f, "make {kind:?} {name}"),
            Self::Drop { id } => write!(f, "drop {id}"),
        }
    }
}
