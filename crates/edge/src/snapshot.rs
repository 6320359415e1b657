//! All routes at one moment, and whose record they are of.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Route;

/// Which record something comes from. A restored copy is the same record; a new database is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct RecordId(pub Uuid);

impl std::fmt::Display for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What the gateway tells the edge, and what the edge remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub record: RecordId,
    /// In the order of hosts, so that the same table makes the same snapshot.
    pub routes: Vec<Route>,
}
