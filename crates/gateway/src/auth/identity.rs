//! Who somebody is, and which tenants exist as far as they are concerned.

use std::{sync::Arc, time::Duration};

use common::{clock, id::TenantId};

use super::{Role, token::LEEWAY_SECONDS};

const MAX_REST: i64 = 7 * 24 * 60 * 60;

/// Who is asking, as their token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub(super) subject: String,
    pub(super) role: Role,
    pub(super) scope: Scope,
    /// Unix seconds.
    pub(super) expires: i64,
}

impl Identity {
    /// Who it is, for the audit log and as the owner of idempotency keys.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What they are to the platform.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Which tenants exist as far as they are concerned.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// For how long the token will be accepted still.
    pub fn valid_for(&self) -> Duration {
        let until = self.expires.saturating_add(LEEWAY_SECONDS.cast_signed());
        let seconds = until.saturating_sub(clock::now().unix_timestamp());
        // Nothing lasts longer than a week in one piece, whatever a token says.
        Duration::from_secs(seconds.clamp(0, MAX_REST).unsigned_abs())
    }
}

/// Which tenants somebody can see. Made from a verified token only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Option<Arc<[TenantId]>>);

impl Scope {
    /// Everything there is.
    pub(super) fn all() -> Self {
        Self(None)
    }

    /// These tenants and nothing else.
    pub(super) fn of(tenants: Vec<TenantId>) -> Self {
        Self(Some(tenants.into()))
    }

    /// Whether this tenant is visible. What concerns no tenant is for those who see all.
    pub fn sees(&self, tenant: Option<TenantId>) -> bool {
        self.0.as_ref().is_none_or(|visible| tenant.is_some_and(|tenant| visible.contains(&tenant)))
    }

    /// The only tenants visible, or `None` when all are.
    pub fn only(&self) -> Option<&[TenantId]> {
        self.0.as_deref()
    }
}
