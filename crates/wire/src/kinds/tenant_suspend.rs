//! A tenant rests: its callers are told so, its triggers fire no more, and what runs ends by itself.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSuspend {}

impl Request for TenantSuspend {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.suspend",
        service: "provisioner",
        lane: Lane::Life,
        alone: false,
        single: true,
        from: &[TenantStatus::Active],
        passes: None,
        ends: Some(TenantStatus::Suspended),
        // Executions that run are waited for. Past it the tenant is active again.
        deadline: Duration::from_secs(2 * 60 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
