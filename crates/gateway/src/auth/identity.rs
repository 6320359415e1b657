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
pub struct Scope(Sight);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sight {
    Everything,
    Customers,
    Only(Arc<[TenantId]>),
}

impl Scope {
    /// Everything there is: for those who run the platform.
    pub(super) fn all() -> Self {
        Self(Sight::Everything)
    }

    /// Whatever is customers', and what concerns no tenant. What the platform runs for itself is not there.
    pub(super) fn customers() -> Self {
        Self(Sight::Customers)
    }

    /// These tenants and nothing else.
    pub(super) fn of(tenants: Vec<TenantId>) -> Self {
        Self(Sight::Only(tenants.into()))
    }

    /// Whether this tenant is visible if it is a customer's. What concerns no tenant is for those who are not limited to some.
    pub fn sees(&self, tenant: Option<TenantId>) -> bool {
        self.only().is_none_or(|visible| tenant.is_some_and(|tenant| visible.contains(&tenant)))
    }

    /// Whether what the platform runs for itself is visible too.
    pub fn sees_the_platforms_own(&self) -> bool {
        self.0 == Sight::Everything
    }

    /// The only tenants visible, or `None` when all are that are customers'.
    pub fn only(&self) -> Option<&[TenantId]> {
        match &self.0 {
            Sight::Everything | Sight::Customers => None,
            Sight::Only(tenants) => Some(tenants),
        }
    }
}
