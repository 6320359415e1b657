//! What the steps act on.

use std::sync::Arc;

use common::{cluster::ClusterId, secrets::MasterKeys};
use n8n::copies::Copies;
use objects::{Objects, seal::Recipient};

/// The outside systems, behind their ports, and what seals.
pub struct World {
    pub cluster: ClusterId,
    pub objects: Arc<dyn Objects>,
    pub copies: Arc<dyn Copies>,
    pub keys: MasterKeys,
    pub recovery: Recipient,
}
