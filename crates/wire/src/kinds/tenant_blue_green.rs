//! A second side of a tenant: beside the one that serves, with a share of its calls, in its place, or gone again.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::{Color, TenantStatus},
    version::Version,
};
use serde::{Deserialize, Serialize};

use super::yes;

/// What is done to the sides of one that has an n8n of its own. Going back is one of these: whoever asks for it is told which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum TenantBlueGreen {
    /// The side of this color is made beside the one that serves. It gets no calls yet.
    Create {
        color: Color,
        /// One of [`crate::N8N_VERSIONS`], no earlier than what the tenant runs; the same when absent.
        #[serde(default)]
        n8n_version: Option<Version>,
        /// Whether the tenant is backed up, and the release tried on that backup, before.
        #[serde(default = "yes")]
        pre_backup: bool,
    },
    /// The side of this color answers so many of a hundred calls to webhooks, and the other one the rest.
    SetWeight { color: Color, weight: u8 },
    /// The side of this color becomes the one that serves.
    Swap { to: Color },
    /// The side of this color goes.
    Cleanup { color: Color },
}

impl Request for TenantBlueGreen {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.blue_green",
        service: "provisioner",
        lane: Lane::Life,
        // A copy of its data is put beside its database, and another operation may have one there.
        alone: true,
        single: true,
        from: &[TenantStatus::Active],
        // Callers notice nothing.
        passes: None,
        ends: None,
        // A backup and loading it again: each may take hours. Past it the tenant is as it was.
        deadline: Duration::from_secs(12 * 60 * 60),
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
    fn what_is_left_out_is_the_release_that_it_runs_with_a_backup_before() {
        let read = |value| serde_json::from_value::<TenantBlueGreen>(value);
        let created = read(json!({ "action": "create", "color": "green" })).unwrap();
        assert_eq!(
            created,
            TenantBlueGreen::Create { color: Color::Green, n8n_version: None, pre_backup: true }
        );
        assert_eq!(
            read(json!({ "action": "set_weight", "color": "blue", "weight": 10 })).unwrap(),
            TenantBlueGreen::SetWeight { color: Color::Blue, weight: 10 }
        );
        assert!(read(json!({ "action": "rollback" })).is_err());
        let refused =
            (TenantBlueGreen::KIND.read)(&json!({ "action": "swap", "to": "green", "from": "blue" }));
        assert!(refused.unwrap_err().contains("unknown field `from`"));
    }
}
