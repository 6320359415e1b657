//! A tenant that was moved into an n8n of its own goes back into the one that it shared.

use std::time::Duration;

use common::{
    id::{PromotionId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

/// For as long as what it had there is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRollback {
    /// What moved it.
    pub promotion: PromotionId,
}

impl Request for TenantRollback {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.rollback",
        service: "provisioner",
        lane: Lane::Life,
        alone: true,
        single: true,
        from: &[TenantStatus::Active],
        passes: Some(TenantStatus::Migrating),
        // As it was before.
        ends: None,
        // A backup first, which may take hours. Past it the tenant is in its own n8n.
        deadline: Duration::from_secs(12 * 60 * 60),
        priority: Priority::High,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
