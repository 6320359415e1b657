//! A tenant is removed with everything it has.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDelete {}

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
        read: read_as::<Self>,
    };
}
