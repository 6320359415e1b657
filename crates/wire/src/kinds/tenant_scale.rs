//! A tenant gets other limits, or another number of workers.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantScale {
    /// Of each container, in thousandths of a core; as it is when absent.
    #[serde(default)]
    pub cpu_millis: Option<u32>,
    /// Of each container; as it is when absent.
    #[serde(default)]
    pub memory_mb: Option<u32>,
    /// As many as there are when absent.
    #[serde(default)]
    pub workers: Option<u32>,
}

impl Request for TenantScale {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.scale",
        service: "provisioner",
        lane: Lane::Life,
        alone: false,
        single: false,
        from: &[TenantStatus::Active],
        passes: None,
        ends: None,
        // A worker that is to go may take a minute to let its executions end.
        deadline: Duration::from_secs(60 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
