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
        lane: Lane::Life,
        alone: false,
        single: true,
        from: &[TenantStatus::Active, TenantStatus::Suspended, TenantStatus::Failed],
        passes: None,
        ends: None,
        // An n8n that is away for a while is waited for.
        deadline: Duration::from_secs(24 * 60 * 60),
        priority: Priority::Low,
        // What is gone is gone: it goes on until all of it is.
        unwinds: false,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
