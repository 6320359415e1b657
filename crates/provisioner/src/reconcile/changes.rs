//! What is said once, when it changes, and not at every pass.

use std::collections::BTreeSet;

use common::id::TenantId;

use super::metrics;

/// What was said last.
#[derive(Default)]
pub struct Said {
    blind: BTreeSet<&'static str>,
    unknown: BTreeSet<TenantId>,
    held: bool,
}

impl Said {
    /// Parts of the world that cannot be seen.
    pub fn blind(&mut self, spots: BTreeSet<&'static str>) {
        metrics::blind(&spots);
        if spots != self.blind {
            let now = spots.iter().copied().collect::<Vec<_>>().join(", ");
            if now.is_empty() {
                tracing::info!("the reconciler sees everything again");
            } else {
                tracing::warn!(unseen = now, "nothing is concluded from what cannot be seen");
            }
            self.blind = spots;
        }
    }

    /// Tenants that the record has never heard of.
    pub fn unknown(&mut self, tenants: &BTreeSet<TenantId>) {
        for tenant in tenants.difference(&self.unknown) {
            tracing::error!(tenant_id = %tenant, "a person is needed: the engine has a tenant that the record has never heard of");
        }
        self.unknown.clone_from(tenants);
    }

    /// Orphans that are held back.
    pub fn held(&mut self, count: usize) {
        metrics::held(count);
        if count > 0 && !self.held {
            tracing::error!(
                count,
                "a person is needed: more tenants are gone than are removed within an hour"
            );
        }
        self.held = count > 0;
    }
}
