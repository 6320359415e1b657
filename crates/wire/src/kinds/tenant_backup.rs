//! A tenant's data is copied out of its n8n into a store, and read back.

use std::time::Duration;

use common::{
    id::{BackupId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

use crate::backups::{BackupType, Includes};

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantBackup {
    /// Whoever asks draws it, so that its folder is known from the beginning ([`crate::backups::folder`]).
    pub backup: BackupId,
    #[serde(rename = "type")]
    pub backup_type: BackupType,
    #[serde(default)]
    pub includes: Includes,
    /// Days, from the moment it is of.
    pub retention_days: u16,
}

impl TenantBackup {
    /// One of this type, with everything, for as long as that type is kept.
    pub fn of(backup: BackupId, backup_type: BackupType) -> Self {
        Self {
            backup,
            backup_type,
            includes: Includes::default(),
            retention_days: backup_type.retention_days(),
        }
    }
}

impl Request for TenantBackup {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.backup",
        service: "backup",
        lane: Lane::Copies,
        alone: false,
        single: false,
        from: &[TenantStatus::Active, TenantStatus::Suspended],
        passes: None,
        ends: None,
        // A terabyte at 50 MB a second, and as much time for a store that is away for a while.
        deadline: Duration::from_secs(12 * 60 * 60),
        priority: Priority::Low,
        unwinds: true,
        roles: Role::ALL,
        read: read_as::<Self>,
    };
}
