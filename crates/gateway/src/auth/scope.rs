//! Which tenants exist as far as somebody is concerned.

use std::sync::Arc;

use common::id::TenantId;

/// Which tenants somebody can see. Made from a verified token or key only.
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
