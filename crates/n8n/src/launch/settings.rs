//! What tells containers apart that were launched in the same way.

use common::tenant::Purpose;
use sha2::{Digest as _, Sha256};

use super::told;
use crate::hooks;

/// What stands in the label of a container's settings, beside its revision: what was `configured` for all of them, and for one that is no
/// customer's own also what only such are told, and their hooks. So a release with other hooks renews those who have them and nobody else.
pub fn settings(purpose: Purpose, configured: &str) -> String {
    match purpose {
        Purpose::Customer | Purpose::Unknown => configured.to_owned(),
        // With the schema, because it is brought up to date when the tenant is healed, which renewing does.
        Purpose::Shared => format!("{configured}-{}", fingerprint(purpose, &hooks::schema("role"))),
        Purpose::Sandbox => format!("{configured}-{}", fingerprint(purpose, "")),
    }
}

/// 16 hexadecimal digits.
fn fingerprint(purpose: Purpose, schema: &str) -> String {
    let digest = Sha256::new().chain_update(format!("{:?}", told(purpose))).chain_update(schema);
    let files = hooks::files(purpose).iter();
    let digest = files.fold(digest, |digest, file| digest.chain_update(file.content));
    hex::encode(digest.finalize()).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_count_where_there_are_hooks() {
        assert_eq!(settings(Purpose::Customer, "site"), "site");
        let [shared, sandbox] = [Purpose::Shared, Purpose::Sandbox].map(|purpose| settings(purpose, "site"));
        for told in [&shared, &sandbox] {
            assert!(told.starts_with("site-") && told.len() == 21, "{told}");
        }
        assert_ne!(shared, sandbox);
        assert_ne!(shared, settings(Purpose::Shared, "another"));
    }
}
