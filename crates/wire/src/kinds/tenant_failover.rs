//! A tenant falls back from an n8n of its own into one that is shared.

use std::time::Duration;

use common::{
    id::{BackupId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

/// Of one whose own n8n is lost, or cannot be brought back soon enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantFailover {
    /// What it is brought back from. Nothing: its own database, or the newest backup where that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupId>,
}

impl Request for TenantFailover {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.failover",
        service: "provisioner",
        lane: Lane::Life,
        // A backup that reads what is left is in nobody's way, and callers wait.
        alone: false,
        single: true,
        from: &[TenantStatus::Active],
        passes: Some(TenantStatus::Migrating),
        // As it was before.
        ends: None,
        // A large backup takes long to load. Past it the tenant is where it was.
        deadline: Duration::from_secs(4 * 60 * 60),
        priority: Priority::High,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
