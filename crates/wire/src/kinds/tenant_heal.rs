//! A tenant gets back what it has lost.

use std::time::Duration;

use common::{
    id::TenantId,
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantHeal {
    /// What it lacks, for people.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// The containers that are to begin anew.
    #[serde(default)]
    pub restart: Vec<String>,
    /// The containers that are to be made anew if they have other settings than this release's; the others keep theirs.
    #[serde(default)]
    pub renew: Vec<String>,
    /// Workers that take nothing of what waits, and are to begin anew unless they have since.
    #[serde(default)]
    pub idle: Vec<Run>,
}

/// What a container is from one start to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub container: String,
    /// By the engine's clock.
    #[serde(with = "rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
}

impl Request for TenantHeal {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.heal",
        service: "provisioner",
        lane: Lane::Life,
        alone: false,
        single: false,
        from: &[TenantStatus::Active],
        passes: None,
        ends: None,
        // It ends early, because the reconciler looks again and begins anew.
        deadline: Duration::from_secs(10 * 60),
        priority: Priority::Normal,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read: read_as::<Self>,
    };
}
