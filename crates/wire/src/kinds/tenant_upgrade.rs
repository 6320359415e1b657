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
    #[serde(default)]
    pub strategy: UpgradeStrategy,
}

/// How a tenant gets to a later release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpgradeStrategy {
    /// It stops, and begins anew as that release.
    #[default]
    Recreate,
    /// A side of that release is put beside it, gets more and more of the calls, and takes its place.
    BlueGreen,
}

impl UpgradeStrategy {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Recreate, Self::BlueGreen];

    /// The word in requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recreate => "recreate",
            Self::BlueGreen => "blue_green",
        }
    }
}

impl TenantUpgrade {
    /// To this release, by the usual strategy.
    pub fn to(n8n_version: Version) -> Self {
        Self { n8n_version, strategy: UpgradeStrategy::default() }
    }
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
