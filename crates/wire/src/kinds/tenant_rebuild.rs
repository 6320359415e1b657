//! An n8n that tenants share, whose database is lost, is made anew.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};

/// Empty: whoever lives in it comes back from backups of their own, which it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRebuild {}

impl Request for TenantRebuild {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.rebuild",
        service: "provisioner",
        lane: Lane::Life,
        alone: false,
        single: true,
        from: &[TenantStatus::Active],
        passes: None,
        ends: None,
        // The first database of a release waits for n8n's image and its migrations.
        deadline: Duration::from_secs(60 * 60),
        priority: Priority::High,
        unwinds: true,
        roles: &[Role::Admin],
        read: read_as::<Self>,
    };
}
