//! What a tenant that has an n8n of its own by now had in one that it shared goes.

use std::time::Duration;

use common::{
    id::{PromotionId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

/// The platform asks for it itself, once there is no way back any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRetire {
    /// What moved it.
    pub promotion: PromotionId,
}

impl Request for TenantRetire {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.retire",
        service: "provisioner",
        // It is done where the tenant does not live: nothing that is done to the tenant waits for it, but what needs the tenant to itself.
        lane: Lane::Copies,
        alone: false,
        single: true,
        from: &[TenantStatus::Active, TenantStatus::Suspended, TenantStatus::Failed],
        passes: None,
        ends: None,
        // It is asked for again and again until it is done.
        deadline: Duration::from_secs(15 * 60),
        priority: Priority::Low,
        // There is nothing to undo: what is gone is gone.
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
