//! A tenant's database is filled from a backup.

use std::time::Duration;

use common::{
    id::{BackupId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
};
use serde::{Deserialize, Serialize};

/// Always a part of another operation, which has made the role of the tenant's that the database will be of, and sees to it that nothing uses it
/// meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantLoad {
    /// Whose set is read: this tenant's, or, of a sandbox, that of the tenant that it is a copy of.
    pub backup: BackupId,
    /// Whether the executions that the backup holds are loaded too.
    #[serde(default = "super::yes")]
    pub executions: bool,
    /// Into a database beside the one that the tenant's n8n works on, whose place it may take afterwards; and the encryption key beside its own.
    #[serde(default)]
    pub beside: bool,
}

impl Request for TenantLoad {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.load",
        service: "backup",
        lane: Lane::Copies,
        alone: false,
        single: false,
        from: &[],
        passes: None,
        ends: None,
        deadline: Duration::from_secs(4 * 60 * 60),
        priority: Priority::Normal,
        // It is begun anew from an empty database, and what it left is its parent's to remove.
        unwinds: true,
        roles: &[],
        read: read_as::<Self>,
    };
}
