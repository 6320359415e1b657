//! A tenant is made, from a row to an n8n that answers under its own address.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::{Mode, TenantStatus},
};
use serde::{Deserialize, Serialize};

/// The row of the tenant says the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantCreate {
    pub mode: Mode,
    pub plan: String,
}

impl Request for TenantCreate {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.create",
        service: "provisioner",
        lane: Lane::Life,
        alone: true,
        single: true,
        from: &[],
        passes: Some(TenantStatus::Provisioning),
        ends: Some(TenantStatus::Active),
        // Past it, it is undone: nobody waits an hour for an n8n.
        deadline: Duration::from_secs(60 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
