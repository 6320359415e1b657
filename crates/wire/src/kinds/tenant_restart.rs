//! A tenant's containers begin anew, one after the other.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRestart {}

impl Request for TenantRestart {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.restart",
        service: "provisioner",
        lane: Lane::Life,
        alone: false,
        single: true,
        from: &[TenantStatus::Active],
        passes: None,
        ends: None,
        // Each worker may take a minute to let its executions end.
        deadline: Duration::from_secs(60 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: Role::ALL,
        read: read_as::<Self>,
    };
}
