//! Who a member is, and what they may.

use std::num::{NonZeroU32, NonZeroU64};

use common::id::TenantId;
use secrecy::SecretString;
use uuid::Uuid;

use super::ProjectId;
use crate::account::{AccountError, UserId, random};

/// Tells the key that comes with a workspace from those that its member makes.
pub const KEY_LABEL: &str = "rp9";

/// What the key may: all that the member's role and their project allow. n8n does not cut a key's scopes down to those of its user, so nothing that
/// is everybody's is among them.
pub(super) const KEY_SCOPES: &[&str] = &[
    "workflow:create",
    "workflow:read",
    "workflow:update",
    "workflow:delete",
    "workflow:export",
    "workflow:import",
    "workflow:list",
    "workflow:move",
    "workflow:activate",
    "workflow:deactivate",
    "execution:delete",
    "execution:read",
    "execution:retry",
    "execution:stop",
    "execution:list",
    "testRun:read",
    "testRun:list",
    "testRun:create",
    "testRun:cancel",
    "credential:create",
    "credential:update",
    "credential:move",
    "credential:delete",
    "dataTable:list",
    "dataTable:create",
    "dataTable:read",
    "dataTable:update",
    "dataTable:delete",
    "dataTableRow:create",
    "dataTableRow:read",
    "dataTableRow:update",
    "dataTableRow:delete",
    "dataTableRow:upsert",
    "dataTableColumn:create",
    "dataTableColumn:read",
    "dataTableColumn:update",
    "dataTableColumn:delete",
    "folder:create",
    "folder:read",
    "folder:update",
    "folder:delete",
    "folder:list",
];

/// Which rows of a shared n8n are a member's. The ids are drawn before anything is made, and never given to anybody else.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    pub user: UserId,
    pub project: ProjectId,
}

impl Place {
    /// One that nobody has or had.
    pub fn draw() -> Result<Self, AccountError> {
        Ok(Self {
            user: UserId(uuid::Builder::from_random_bytes(random()?).into_uuid()),
            project: ProjectId::generate()?,
        })
    }
}

/// Everything that is written about a new member.
#[derive(Debug, Clone)]
pub struct Member {
    pub tenant: TenantId,
    pub place: Place,
    /// Made by [`crate::account::hash_password`]. Not the password.
    pub password_hash: String,
    /// The `seed` of [`Self::token`].
    pub key: Uuid,
    /// Made by [`crate::account::ApiKeySigner::sign`] for this user. n8n stores it in clear.
    pub token: SecretString,
    pub limits: MemberLimits,
}

/// How much a member may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberLimits {
    /// At once.
    pub concurrent: NonZeroU32,
    /// In a month of UTC, not counting runs by hand. `None`: as many as they like.
    pub executions_month: Option<NonZeroU64>,
}

/// What the tenant signs in with. No mail reaches it, and it tells others nothing.
pub fn email(tenant: TenantId) -> String {
    format!("{tenant}@tenants.invalid")
}
