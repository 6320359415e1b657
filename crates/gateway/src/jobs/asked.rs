//! What jobs ask for in the gateway's own name.

use common::{operations::Asked, role::Role};

/// Who asks, as the audit log has it.
const ACTOR: &str = "service:gateway";

/// For this reason, found by this id.
pub fn asked<'a>(correlation_id: &'a str, reason: &'a str) -> Asked<'a> {
    Asked { actor: ACTOR, role: Role::Service, correlation_id, traceparent: None, reason: Some(reason) }
}
