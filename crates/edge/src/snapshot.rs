//! All routes at one moment, and whose record they are of.

use common::id::{RecordId, TenantId};
use serde::{Deserialize, Serialize};

use crate::Route;

/// What the gateway tells the edge, and what the edge remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub record: RecordId,
    /// In the order of hosts, so that the same table makes the same snapshot.
    pub routes: Vec<Route>,
    /// Whose routes are gone, or about to go, because the record has them removed or they came to nothing, within the last day. A gateway of
    /// the release before does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<TenantId>,
}
