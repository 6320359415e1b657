//! A row of the log, and its hash.

use sha2::{Digest, Sha256};
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

/// What the hash of a row covers, besides its place and the hash before it.
pub(super) const COLUMNS: &str = "id, at, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest, reason, cluster_id";

#[derive(Debug, FromRow)]
pub(super) struct Row {
    pub id: Uuid,
    pub at: OffsetDateTime,
    actor: String,
    role: String,
    action: String,
    tenant_id: Option<Uuid>,
    operation_id: Option<Uuid>,
    correlation_id: String,
    outcome: String,
    request_digest: Option<Vec<u8>>,
    reason: Option<String>,
    cluster_id: Option<String>,
}

impl Row {
    /// The row's hash at this place of the chain. Every part is preceded by its length and a missing one differs from an
    /// empty one, so no two rows read the same.
    pub fn hash(&self, position: i64, previous: &[u8]) -> Vec<u8> {
        // Microseconds, as Postgres keeps them.
        let micros = (self.at.unix_timestamp_nanos() / 1_000).to_be_bytes();
        let parts = [
            Some(previous),
            Some(self.id.as_bytes()),
            Some(&micros),
            Some(self.actor.as_bytes()),
            Some(self.role.as_bytes()),
            Some(self.action.as_bytes()),
            self.tenant_id.as_ref().map(|id| id.as_bytes().as_slice()),
            self.operation_id.as_ref().map(|id| id.as_bytes().as_slice()),
            Some(self.correlation_id.as_bytes()),
            Some(self.outcome.as_bytes()),
            self.request_digest.as_deref(),
            self.reason.as_deref().map(str::as_bytes),
        ];
        // Rows had no such column, and their hashes stay what they were.
        let parts =
            parts.into_iter().chain(self.cluster_id.as_deref().map(|cluster| Some(cluster.as_bytes())));
        let hash = Sha256::new().chain_update(b"rp9 audit 1").chain_update(position.to_be_bytes());
        let hash = parts.fold(hash, |hash, part: Option<&[u8]>| match part {
            Some(part) => {
                hash.chain_update([1]).chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
            }
            None => hash.chain_update([0]),
        });
        hash.finalize().to_vec()
    }
}
