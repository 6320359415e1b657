//! What is noted.

use common::id::{AuditId, OperationId, TenantId};
use time::OffsetDateTime;

use crate::{auth::Identity, exchange::Exchange};

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: AuditId,
    pub at: OffsetDateTime,
    pub actor: String,
    pub role: &'static str,
    pub action: &'static str,
    pub tenant: Option<TenantId>,
    pub operation: Option<OperationId>,
    pub correlation_id: String,
    pub outcome: String,
    pub request_digest: Option<Vec<u8>>,
    /// Of the signature that this used up.
    pub signature: Option<Vec<u8>>,
    /// What the request was about, in the words of whoever asked.
    pub named: Option<String>,
}

impl Entry {
    /// What became of this request.
    pub fn new(exchange: &Exchange, identity: &Identity, action: &'static str, outcome: String) -> Self {
        Self {
            id: AuditId::generate(),
            at: common::clock::now(),
            actor: identity.subject().to_owned(),
            role: identity.role().as_str(),
            action,
            tenant: exchange.tenant(),
            operation: exchange.operation(),
            correlation_id: exchange.correlation_id().to_owned(),
            outcome,
            request_digest: exchange.digest().map(|digest| digest.as_bytes().to_vec()),
            signature: None,
            named: exchange.named().map(str::to_owned),
        }
    }
}
