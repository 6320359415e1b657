//! What an n8n that tenants share has beside its image: the files of its hooks, and a schema of the platform's in its database
//! (`hooks/README.md`, ADR 36).

/// A file that is no secret, under `/run/secrets` beside those that are: each container has one directory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookFile {
    pub path: &'static str,
    pub content: &'static str,
}

/// The one file that n8n is told of.
pub(crate) const ENTRY: &str = "/run/secrets/hooks.cjs";

macro_rules! files {
    ($($name:literal),+) => {
        [$(HookFile {
            path: concat!("/run/secrets/", $name),
            content: include_str!(concat!("../hooks/", $name)),
        }),+]
    };
}

/// All of them: they find each other in their own directory, and one that is missing ends n8n's start.
pub const FILES: [HookFile; 6] =
    files!["guard.cjs", "hooks.cjs", "paths.cjs", "record.cjs", "refuse.cjs", "starts.cjs"];

/// The platform's schema, its trigger and the role of tenants. `{role}` is n8n's own login.
const SCHEMA: &str = include_str!("../hooks/rp9.sql");

/// The statements that bring a database to this release's schema; they may be run as often as one likes. `role` as SQL writes it.
pub(crate) fn schema(role: &str) -> String {
    SCHEMA.replace("{role}", role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_hook_requires_of_its_own_is_beside_it() {
        for file in FILES {
            let required = file.content.split("require('./").skip(1);
            for name in required.filter_map(|rest| rest.split('\'').next()) {
                let path = format!("/run/secrets/{name}");
                assert!(FILES.iter().any(|other| other.path == path), "{} requires {name}", file.path);
            }
        }
        assert!(FILES.iter().any(|file| file.path == ENTRY));
    }

    #[test]
    fn every_file_of_hooks_that_is_no_test_is_delivered() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/hooks")).unwrap();
        let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|n| n.ends_with(".cjs") && !n.ends_with(".test.cjs")).collect();
        names.sort();
        let delivered = FILES.map(|file| file.path.trim_start_matches("/run/secrets/").to_owned());
        assert_eq!(names, delivered);
    }

    #[test]
    fn the_schema_names_the_login_and_nothing_is_left_to_fill_in() {
        let schema = schema("\"ten_1\"");
        assert!(schema.contains("TO \"ten_1\";") && !schema.contains("{role}"));
    }
}
