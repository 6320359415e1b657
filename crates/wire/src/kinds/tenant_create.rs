//! A tenant is made, from a row to an n8n that answers under its own address; or a copy of one, from a backup.

use std::time::Duration;

use common::{
    id::{BackupId, DrillId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::{Mode, TenantStatus},
};
use serde::{Deserialize, Serialize};

/// The row of the tenant says the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantCreate {
    pub mode: Mode,
    pub plan: String,
    /// What it is filled with, if it is a sandbox. Otherwise it begins empty, with its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<BackupId>,
    /// Whether that is done with the executions that the backup holds.
    #[serde(default = "super::yes", skip_serializing_if = "is_all")]
    pub executions: bool,
    /// What it is made for, if it only is to show that the backup is good: it goes again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillId>,
}

const fn is_all(executions: &bool) -> bool {
    *executions
}

impl TenantCreate {
    /// One that begins empty.
    pub const fn empty(mode: Mode, plan: String) -> Self {
        Self { mode, plan, from: None, executions: true, drill: None }
    }
}

impl Request for TenantCreate {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.create",
        service: "provisioner",
        lane: Lane::Life,
        alone: true,
        single: true,
        from: &[],
        passes: Some(TenantStatus::Provisioning),
        ends: Some(TenantStatus::Active),
        // Past it, it is undone: nobody waits an hour for an n8n.
        deadline: Duration::from_secs(60 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_begins_empty_is_asked_for_as_it_always_was() {
        let empty = json!({ "mode": "dedicated", "plan": "pro" });
        let read: TenantCreate = serde_json::from_value(empty.clone()).unwrap();
        assert_eq!(read, TenantCreate::empty(Mode::Dedicated, "pro".into()));
        assert_eq!(serde_json::to_value(&read).unwrap(), empty);
        let copy = TenantCreate { from: Some(BackupId::generate()), executions: false, ..read };
        let kept = serde_json::to_value(&copy).unwrap();
        assert_eq!(kept["executions"], json!(false));
        assert_eq!(serde_json::from_value::<TenantCreate>(kept).unwrap(), copy);
    }
}
