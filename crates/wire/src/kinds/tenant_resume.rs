//! A suspended tenant is active again, exactly as it was.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantResume {}

impl Request for TenantResume {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.resume",
        service: "provisioner",
        lane: Lane::Life,
        alone: false,
        single: true,
        from: &[TenantStatus::Suspended],
        passes: None,
        ends: Some(TenantStatus::Active),
        // Past it the tenant is suspended as before.
        deadline: Duration::from_secs(30 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
