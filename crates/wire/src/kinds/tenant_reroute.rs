//! A tenant's addresses become those that the record has for it: its own domain was proven, or given up.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantReroute {}

impl Request for TenantReroute {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.reroute",
        service: "provisioner",
        lane: Lane::Life,
        alone: false,
        single: true,
        from: &[TenantStatus::Active, TenantStatus::Suspended],
        passes: None,
        ends: None,
        // It ends early, because it is asked for again while the addresses are not right.
        deadline: Duration::from_secs(10 * 60),
        priority: Priority::High,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
