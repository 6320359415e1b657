//! The command with which a service has something done to a tenant.

use common::{
    bus::Malformed,
    id::{OperationId, TenantId},
};
use prost::Message as _;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{disturbs, proto};

/// An operation that a service wants. It is accepted when its row exists: a sender that was not told so sends it again,
/// with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitOperation {
    pub operation: OperationId,
    pub kind: String,
    pub tenant: TenantId,
    /// What it is asked to do: an object, as the request of its kind has it.
    pub request: Value,
    /// `None`: at once.
    pub not_before: Option<OffsetDateTime>,
    /// Why, for those who read the audit log.
    pub reason: Option<String>,
}

/// The request that asks for nothing in particular.
fn empty() -> Value {
    json!({})
}

/// As long as the API allows.
const MAX_REASON: usize = 500;

impl SubmitOperation {
    pub(crate) fn encode(&self) -> Vec<u8> {
        proto::SubmitOperation {
            operation_id: self.operation.to_string(),
            kind: self.kind.clone(),
            tenant_id: self.tenant.to_string(),
            not_before_unix_seconds: self.not_before.map_or(0, OffsetDateTime::unix_timestamp),
            reason: self.reason.clone().unwrap_or_default(),
            request_json: if self.request == empty() { String::new() } else { self.request.to_string() },
        }
        .encode_to_vec()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |reason: String| Malformed { message: "SubmitOperation", reason };
        let message = proto::SubmitOperation::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let operation = message.operation_id.parse().map_err(|e| malformed(format!("operation_id: {e}")))?;
        let tenant = message.tenant_id.parse().map_err(|e| malformed(format!("tenant_id: {e}")))?;
        let not_before = match message.not_before_unix_seconds {
            0 => None,
            seconds => Some(
                OffsetDateTime::from_unix_timestamp(seconds)
                    .map_err(|e| malformed(format!("not_before_unix_seconds: {e}")))?,
            ),
        };
        if message.reason.chars().count() > MAX_REASON || message.reason.chars().any(disturbs) {
            return Err(malformed(format!("reason: at most {MAX_REASON} characters, none for control")));
        }
        let request = match message.request_json.as_str() {
            "" => empty(),
            json => serde_json::from_str(json).map_err(|e| malformed(format!("request_json: {e}")))?,
        };
        if !request.is_object() {
            return Err(malformed("request_json: no object".into()));
        }
        let reason = Some(message.reason).filter(|reason| !reason.is_empty());
        Ok(Self { operation, kind: message.kind, tenant, request, not_before, reason })
    }
}
