//! A tenant's n8n becomes a later version of it.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
    version::Version,
};
use serde::{Deserialize, Serialize};

/// Of one that has an n8n of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantUpgrade {
    /// One of [`crate::N8N_VERSIONS`], later than what it runs.
    pub n8n_version: Version,
}

impl Request for TenantUpgrade {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.upgrade",
        service: "provisioner",
        lane: Lane::Life,
        alone: true,
        single: true,
        from: &[TenantStatus::Active],
        passes: Some(TenantStatus::Migrating),
        // As it was before: one that has another version already is active too, and that is not what was asked for.
        ends: None,
        // A backup and loading it again: each may take hours. Past it the tenant is as it was.
        deadline: Duration::from_secs(12 * 60 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: Role::ALL,
        read: read_as::<Self>,
    };
}
