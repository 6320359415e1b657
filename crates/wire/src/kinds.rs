//! What operations there are: a module for each, with its request. Whoever adds one adds it to [`ALL`]; `docs/adding-an-operation.md` has
//! the rest.

mod tenant_backup;
mod tenant_blue_green;
mod tenant_create;
mod tenant_delete;
mod tenant_failover;
mod tenant_heal;
mod tenant_load;
mod tenant_promote;
mod tenant_rebuild;
mod tenant_reroute;
mod tenant_restart;
mod tenant_restore;
mod tenant_resume;
mod tenant_retire;
mod tenant_rollback;
mod tenant_scale;
mod tenant_suspend;
mod tenant_upgrade;

use common::operations::{OperationKind, Request};

pub use tenant_backup::TenantBackup;
pub use tenant_blue_green::TenantBlueGreen;
pub use tenant_create::TenantCreate;
pub use tenant_delete::TenantDelete;
pub use tenant_failover::TenantFailover;
pub use tenant_heal::{Run, TenantHeal};
pub use tenant_load::TenantLoad;
pub use tenant_promote::TenantPromote;
pub use tenant_rebuild::TenantRebuild;
pub use tenant_reroute::TenantReroute;
pub use tenant_restart::TenantRestart;
pub use tenant_restore::TenantRestore;
pub use tenant_resume::TenantResume;
pub use tenant_retire::TenantRetire;
pub use tenant_rollback::TenantRollback;
pub use tenant_scale::TenantScale;
pub use tenant_suspend::TenantSuspend;
pub use tenant_upgrade::{TenantUpgrade, UpgradeStrategy};

/// What a field of a request says that is not there and means all.
const fn yes() -> bool {
    true
}

/// Every kind.
pub const ALL: [&OperationKind; 18] = [
    TenantCreate::KIND,
    TenantDelete::KIND,
    TenantHeal::KIND,
    TenantRestart::KIND,
    TenantSuspend::KIND,
    TenantResume::KIND,
    TenantScale::KIND,
    TenantReroute::KIND,
    TenantRestore::KIND,
    TenantRebuild::KIND,
    TenantUpgrade::KIND,
    TenantPromote::KIND,
    TenantRollback::KIND,
    TenantFailover::KIND,
    TenantRetire::KIND,
    TenantBlueGreen::KIND,
    TenantBackup::KIND,
    TenantLoad::KIND,
];

/// The kind of this word.
pub fn of_word(word: &str) -> Option<&'static OperationKind> {
    ALL.into_iter().find(|kind| kind.name == word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: BTreeSet<_> = ALL.map(OperationKind::as_str).into();
        assert_eq!(words.len(), ALL.len());
        assert!(ALL.into_iter().all(|kind| of_word(kind.name) == Some(kind)));
        assert_eq!(of_word("tenant.explode"), None);
    }

    #[test]
    fn what_gives_a_tenant_a_status_says_what_comes_of_it() {
        for kind in ALL.into_iter().filter(|kind| kind.passes.is_some()) {
            // These are what they were.
            let as_before = [
                TenantRestore::KIND,
                TenantUpgrade::KIND,
                TenantPromote::KIND,
                TenantRollback::KIND,
                TenantFailover::KIND,
            ]
            .contains(&kind);
            assert!(kind.ends.is_some() || as_before, "{}", kind.name);
            assert!(!kind.from.contains(&kind.passes.unwrap()), "{} could begin twice", kind.name);
        }
    }
}
