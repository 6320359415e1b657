//! Which schemas of n8n are understood.

use crate::Version;

/// The tables as n8n's migrations leave them. Releases that add no migration share a family, so it says nothing about which of them made
/// a database, and a new one of them needs no release of ours.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The first release that leaves the tables like this.
    pub since: Version,
    last_migration: &'static str,
}

/// In the order of versions. A family is added here after its tables have been compared with `COLUMNS` (`databases::postgres::schema`); the statements that name them are
/// good for all of these.
const FAMILIES: &[Family] = &[
    Family { since: Version::new(2, 40, 7), last_migration: "AddInstanceAiThreadHistoryIndex1789131391410" },
    Family { since: Version::new(2, 41, 1), last_migration: "AddExecutionScopesToCustomRoles1789995003141" },
];

impl Family {
    /// The one that databases of this version have, as far as is known here: the next release may bring migrations.
    pub fn of(version: Version) -> Option<&'static Self> {
        latest(FAMILIES, version)
    }

    /// The one whose migrations end with this one.
    pub(crate) fn that_ends_with(last_migration: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.last_migration == last_migration)
    }
}

fn latest(families: &[Family], version: Version) -> Option<&Family> {
    families.iter().rev().find(|family| family.since <= version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_without_migrations_has_the_family_of_the_one_before_it() {
        let [first, second] = [Version::new(2, 41, 1), Version::new(2, 43, 0)];
        let families = [
            Family { since: first, last_migration: "One1" },
            Family { since: second, last_migration: "Two2" },
        ];
        let cases = [
            (Version::new(2, 41, 0), None),
            (first, Some(first)),
            (Version::new(2, 41, 9), Some(first)),
            (Version::new(2, 42, 0), Some(first)),
            (second, Some(second)),
            (Version::new(3, 0, 0), Some(second)),
        ];
        for (version, expected) in cases {
            assert_eq!(latest(&families, version).map(|family| family.since), expected, "{version}");
        }
    }

    #[test]
    fn every_release_that_tenants_may_run_has_a_family_of_its_own() {
        for version in wire::N8N_VERSIONS {
            assert_eq!(Family::of(version).map(|family| family.since), Some(version));
        }
    }

    #[test]
    fn families_are_in_the_order_of_versions_and_no_two_end_alike() {
        for pair in FAMILIES.windows(2) {
            assert!(pair[0].since < pair[1].since, "{pair:?}");
        }
        for family in FAMILIES {
            assert_eq!(FAMILIES.iter().filter(|f| f.last_migration == family.last_migration).count(), 1);
        }
    }
}
