//! What a parameter may say, from the code that reads it.

use common::{
    dead_letters::{Reason, STATES},
    operations::{OperationKind, STATUSES},
    tenant::{Mode, TenantStatus},
};
use serde_json::{Value, json};
use wire::{LoggedRole, kinds};

use crate::{
    audit::Outcome,
    background::CONSUMERS,
    events::FAMILIES,
    routes::audit::ACTION,
    tenants::{TENANT_NAME, words::IDENTIFIER},
};

/// What the schema of this parameter says beside its type.
pub fn narrowing(path: &str, name: &str) -> Value {
    match (path, name) {
        ("/tenants", "mode") => json!({ "enum": Mode::ALL }),
        ("/tenants", "status") => json!({ "enum": TenantStatus::ALL }),
        ("/tenants", "plan" | "cluster") => json!({ "pattern": IDENTIFIER }),
        ("/dead-letters", "service") => json!({ "enum": CONSUMERS }),
        ("/tenants", "q") => json!({ "minLength": 1, "maxLength": 120 }),
        ("/operations", "status") => json!({ "enum": STATUSES }),
        ("/operations", "kind") => json!({ "enum": kinds::ALL.map(OperationKind::as_str) }),
        ("/dead-letters", "reason") => json!({ "enum": Reason::ALL.map(Reason::as_str) }),
        ("/dead-letters", "state") => json!({ "enum": STATES }),
        ("/audit", "actor") => {
            json!({ "minLength": 1, "maxLength": 255, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$" })
        }
        ("/audit", "action") => json!({ "pattern": ACTION }),
        ("/audit", "outcome") => json!({ "enum": Outcome::words().collect::<Vec<_>>() }),
        ("/tenants/{id}/logs", "role") => json!({ "enum": LoggedRole::ALL.map(|(_, word)| word) }),
        ("/audit", "since") | ("/tenants/{id}/logs", "after") => json!({ "format": "date-time" }),
        ("/events" | "/ws", "kind") => {
            json!({ "pattern": format!("^({})(\\.[a-z_]+)?$", FAMILIES.join("|")) })
        }
        (_, "tenant") => json!({ "pattern": TENANT_NAME, "minLength": 3, "maxLength": 40 }),
        (_, "cursor") => json!({ "pattern": "^[A-Za-z0-9_-]+$" }),
        (_, "since") => json!({ "minimum": 0 }),
        ("/tenants/{id}/logs", "last-event-id") => json!({ "pattern": "^[0-8]?[0-9]{1,18}$" }),
        (_, "last-event-id") => json!({ "pattern": "^[0-9]{1,18}$" }),
        // As `IdempotencyKey` reads it.
        (_, "idempotency-key") => json!({ "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
        _ => json!({}),
    }
}
