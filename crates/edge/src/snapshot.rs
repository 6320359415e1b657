//! All routes at one moment, and whose record they are of.

use common::id::RecordId;
use serde::{Deserialize, Serialize};

use crate::Route;

/// What the gateway tells the edge, and what the edge remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub record: RecordId,
    /// In the order of hosts, so that the same table makes the same snapshot.
    pub routes: Vec<Route>,
}
