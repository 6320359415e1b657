//! What an n8n has beside its image: the files of its hooks, and, where tenants share it, a schema of the platform's in its database
//! (`hooks/README.md`, ADR 36, ADR 55, ADR 73).

use common::tenant::Purpose;

/// A file that is no secret, under `/run/secrets` beside those that are: each container has one directory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookFile {
    pub path: &'static str,
    pub content: &'static str,
}

/// The one file that workers of a customer's own are told of.
pub(crate) const OWN_ENTRY: &str = "/run/secrets/own.cjs";

/// The one file that an n8n is told of that tenants share.
pub(crate) const ENTRY: &str = "/run/secrets/hooks.cjs";

/// The one that a sandbox is told of.
pub(crate) const SANDBOX_ENTRY: &str = "/run/secrets/sandbox.cjs";

macro_rules! files {
    ($($name:literal),+) => {
        [$(HookFile {
            path: concat!("/run/secrets/", $name),
            content: include_str!(concat!("../hooks/", $name)),
        }),+]
    };
}

const OWN: [HookFile; 2] = files!["leave.cjs", "own.cjs"];

const SHARED: [HookFile; 7] =
    files!["guard.cjs", "hooks.cjs", "leave.cjs", "paths.cjs", "record.cjs", "refuse.cjs", "starts.cjs"];

const SANDBOX: [HookFile; 4] = files!["drill.json", "leave.cjs", "refuse.cjs", "sandbox.cjs"];

/// What is run in a sandbox to see whether it works, beside what the backup holds.
pub const DRILL_WORKFLOW: &str = "/run/secrets/drill.json";

/// All that such an n8n has: they find each other in their own directory, and one that is missing ends n8n's start.
pub const fn files(purpose: Purpose) -> &'static [HookFile] {
    match purpose {
        Purpose::Customer | Purpose::Unknown => &OWN,
        Purpose::Shared => &SHARED,
        Purpose::Sandbox => &SANDBOX,
    }
}

/// The platform's trigger and the role of tenants, in n8n's own tables; once the schema is there, as often as one likes.
pub(crate) const IN_TABLES: &str = include_str!("../hooks/tables.sql");

/// The platform's schema. `{role}` is n8n's own login.
const SCHEMA: &str = include_str!("../hooks/rp9.sql");

/// The statements that bring a database to this release's schema; they may be run as often as one likes. `role` as SQL writes it.
pub(crate) fn schema(role: &str) -> String {
    SCHEMA.replace("{role}", role)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn whatever_a_hook_requires_of_its_own_is_beside_it() {
        let entries =
            [(Purpose::Customer, OWN_ENTRY), (Purpose::Shared, ENTRY), (Purpose::Sandbox, SANDBOX_ENTRY)];
        for (purpose, entry) in entries {
            let files = files(purpose);
            for file in files {
                let required = file.content.split("require('./").skip(1);
                for name in required.filter_map(|rest| rest.split('\'').next()) {
                    let path = format!("/run/secrets/{name}");
                    assert!(files.iter().any(|other| other.path == path), "{} requires {name}", file.path);
                }
            }
            assert!(files.iter().any(|file| file.path == entry));
        }
    }

    #[test]
    fn every_file_of_hooks_that_is_no_test_is_delivered() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/hooks")).unwrap();
        let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
        let is_of_tests = |n: &String| n.ends_with(".test.cjs") || n.ends_with(".cases.json");
        let is_delivered = |n: &String| (n.ends_with(".cjs") || n.ends_with(".json")) && !is_of_tests(n);
        let mut names: Vec<_> = names.filter(is_delivered).collect();
        names.sort();
        let delivered = OWN.into_iter().chain(SHARED).chain(SANDBOX);
        let delivered = delivered.map(|file| file.path.trim_start_matches("/run/secrets/").to_owned());
        let delivered: BTreeSet<_> = delivered.collect();
        assert!(delivered.into_iter().eq(names));
    }

    #[test]
    fn the_schema_names_the_login_and_nothing_is_left_to_fill_in() {
        let schema = schema("\"ten_1\"");
        assert!(schema.contains("TO \"ten_1\";") && !schema.contains("{role}"));
    }
}
