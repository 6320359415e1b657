//! A tenant is removed with everything it has.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDelete {
    /// Whether a last backup comes first, of a tenant that has a database of its own. Rows of a release that made none do not say so; whoever asks
    /// and says nothing gets one.
    #[serde(default)]
    pub final_backup: bool,
}

/// Checks what somebody asks for.
fn read(given: &Value) -> Result<Value, String> {
    let mut given = given.clone();
    if let Some(fields) = given.as_object_mut() {
        fields.entry("final_backup").or_insert(Value::Bool(true));
    }
    read_as::<TenantDelete>(&given)
}

impl Request for TenantDelete {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.delete",
        service: "provisioner",
        lane: Lane::Life,
        alone: true,
        single: true,
        from: &[
            TenantStatus::Provisioning,
            TenantStatus::Active,
            TenantStatus::Suspended,
            TenantStatus::Migrating,
            TenantStatus::Failed,
        ],
        passes: Some(TenantStatus::Deleting),
        ends: Some(TenantStatus::Deleted),
        deadline: Duration::from_secs(24 * 60 * 60),
        priority: Priority::Normal,
        // There is no way back from dropped data: it goes on, or calls a person.
        unwinds: false,
        roles: Role::ALL,
        read,
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_says_nothing_gets_a_last_backup_and_what_was_accepted_before_there_were_any_does_not() {
        assert_eq!(read(&json!({})), Ok(json!({ "final_backup": true })));
        assert_eq!(read(&json!({ "final_backup": false })), Ok(json!({ "final_backup": false })));
        assert!(read(&json!({ "backup": false })).is_err() && read(&json!([])).is_err());
        let row: TenantDelete = serde_json::from_value(json!({})).unwrap();
        assert!(!row.final_backup);
    }
}
