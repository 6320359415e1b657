//! What can be done instead, where what was asked for cannot.

use common::tenant::TenantStatus;

use crate::problem::{Code, Problem};

/// With a tenant of this status.
pub const fn next_step(status: TenantStatus) -> &'static str {
    match status {
        TenantStatus::Provisioning | TenantStatus::Migrating => {
            "Ask again when its operation has ended: `GET /operations?tenant=…` names it."
        }
        TenantStatus::Active => "Suspend it first: `POST /tenants/{id}/suspend`.",
        TenantStatus::Suspended => "Resume it first: `POST /tenants/{id}/resume`.",
        TenantStatus::Failed => "All that can be done with it is to remove it: `DELETE /tenants/{id}`.",
        TenantStatus::Deleting | TenantStatus::Deleted => "Nothing more can be done with it.",
    }
}

/// Nobody's login is asked for: its owner is the platform itself.
pub fn nobody_signs_in() -> Problem {
    let detail = "It is no customer's own n8n: it has no login to be told or reset. Whoever is in a sandbox signs in as they do where it was copied from.";
    Problem::new(Code::NotFound).detail(detail)
}
