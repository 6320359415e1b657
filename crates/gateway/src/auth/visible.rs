//! Which keys exist as far as somebody is concerned.

use common::id::TenantId;

use super::{Identity, Role};

/// Which keys somebody may know of: those that they could have made, as far as role and tenants go.
#[derive(Debug)]
pub struct Visible {
    roles: Vec<&'static str>,
    tenants: Option<Vec<TenantId>>,
}

impl Visible {
    /// To this caller.
    pub fn to(identity: &Identity) -> Self {
        let roles = Role::ALL.iter().filter(|role| identity.role().includes(**role));
        let tenants = identity.scope().only().map(<[_]>::to_vec);
        Self { roles: roles.map(|role| role.as_str()).collect(), tenants }
    }

    /// The words of the roles.
    pub fn roles(&self) -> &[&'static str] {
        &self.roles
    }

    /// A key may have no tenant but these. `None`: any, or all.
    pub fn tenants(&self) -> Option<&[TenantId]> {
        self.tenants.as_deref()
    }
}
