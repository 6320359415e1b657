//! How much may be removed at once, and of how many tenants within an hour. Pure.
//!
//! Removing is rare: a removal of a tenant leaves nothing, so what is left was left by accident. A record that suddenly calls many
//! tenants gone is more likely to be wrong than they are.

use std::collections::HashSet;

use common::id::TenantId;

use super::plan::Orphan;

/// Of a small cluster so many, whatever its size,
pub(super) const AT_LEAST: usize = 3;
/// and of a large one this share of the tenants that own something on the engine.
pub(super) const ONE_IN: usize = 5;

/// A pass that finds more than this to remove is more likely to be mistaken than right; the rest waits for the next one.
pub(super) const AT_ONCE: usize = 5;

/// What may be removed now, and how much is held back until a person has looked, or an hour has passed.
#[derive(Debug, PartialEq, Eq)]
pub struct Braked {
    pub now: Vec<Orphan>,
    pub held: usize,
}

/// Lets through some of what belongs to tenants whose remains are being removed already, and to so many others. `tenants` own
/// something on the engine.
pub fn brake(due: Vec<Orphan>, tenants: usize, removed: &HashSet<TenantId>) -> Braked {
    let mut left = AT_LEAST.max(tenants / ONE_IN).saturating_sub(removed.len());
    let mut begun = removed.clone();
    let (mut now, mut held) = (vec![], 0);
    for orphan in due {
        if begun.contains(&orphan.tenant()) {
            now.push(orphan);
        } else if left > 0 {
            left -= 1;
            begun.insert(orphan.tenant());
            now.push(orphan);
        } else {
            held += 1;
        }
    }
    now.truncate(AT_ONCE);
    Braked { now, held }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tenants: &[TenantId]) -> Vec<Orphan> {
        tenants
            .iter()
            .map(|tenant| Orphan::Container { name: format!("c-{tenant}"), tenant: *tenant })
            .collect()
    }

    fn tenants(count: usize) -> Vec<TenantId> {
        (0..count).map(|_| TenantId::generate()).collect()
    }

    #[test]
    fn a_share_of_the_tenants_is_let_through_and_a_few_always() {
        for (on_the_engine, let_through) in [(0, 3), (4, 3), (15, 3), (20, 4), (100, 20)] {
            let braked = brake(of(&tenants(30)), on_the_engine, &HashSet::new());
            assert_eq!(braked.held, 30 - let_through, "{on_the_engine}");
            assert_eq!(braked.now.len(), let_through.min(AT_ONCE));
        }
    }

    #[test]
    fn what_was_removed_within_the_hour_counts_and_may_be_finished() {
        let (begun, others) = (tenants(2), tenants(5));
        let due = [of(&begun), of(&others)].concat();
        let braked = brake(due, 10, &begun.iter().copied().collect());
        assert_eq!((braked.now.len(), braked.held), (3, 4), "both that were begun, and one more");
    }

    #[test]
    fn all_that_one_tenant_left_counts_once_and_goes_a_few_at_a_time() {
        let tenant = TenantId::generate();
        let due: Vec<_> = (0..9).map(|n| Orphan::Container { name: format!("c{n}"), tenant }).collect();
        let first = due.iter().take(AT_ONCE).cloned().collect();
        assert_eq!(brake(due, 1, &HashSet::new()), Braked { now: first, held: 0 });
    }
}
