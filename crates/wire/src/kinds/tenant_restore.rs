//! A tenant's database becomes what it was when a backup was made.

use std::time::Duration;

use common::{
    id::{BackupId, RestoreId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

/// In place: its own n8n, or its part of one that it shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRestore {
    /// Under which name the record keeps what becomes of it. Whoever asks draws it.
    pub restore: RestoreId,
    /// One of the tenant's own.
    pub backup: BackupId,
    /// Whether the executions that the backup holds are restored too.
    #[serde(default = "super::yes")]
    pub executions: bool,
    /// Whether what is there now is backed up before it goes. Without it there is no way back once the restore has succeeded.
    #[serde(default = "super::yes")]
    pub safety_backup: bool,
}

impl Request for TenantRestore {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.restore",
        service: "provisioner",
        lane: Lane::Life,
        alone: true,
        single: true,
        from: &[TenantStatus::Active, TenantStatus::Suspended],
        passes: Some(TenantStatus::Migrating),
        // As it was before.
        ends: None,
        // Reading the backup, loading it, and a backup of what is there now: each may take hours. Past it the tenant is as it was.
        deadline: Duration::from_secs(12 * 60 * 60),
        priority: Priority::High,
        unwinds: true,
        roles: Role::ALL,
        read: read_as::<Self>,
    };
}
