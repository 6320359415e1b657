//! Which tenants exist as far as somebody is concerned.

use std::sync::Arc;

use common::id::TenantId;

/// Which tenants somebody can see. Made from a verified token or key only.
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
