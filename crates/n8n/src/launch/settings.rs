//! What tells containers apart that were launched in the same way.

use common::tenant::Purpose;
use sha2::{Digest as _, Sha256};

use super::shared;
use crate::hooks;

/// What stands in the label of a container's settings, beside its revision: what was `configured` for all of them, and for one that tenants
/// share also what only those are told, and their hooks. So a release with other hooks renews the shared ones and nobody else.
pub fn settings(purpose: Purpose, configured: &str) -> String {
    match purpose {
        Purpose::Customer => configured.to_owned(),
        Purpose::Shared => format!("{configured}-{}", fingerprint()),
    }
}

/// 16 hexadecimal digits. With the schema, because it is brought up to date when the tenant is healed, which renewing does.
fn fingerprint() -> String {
    let told = format!("{:?}", shared::told());
    let digest = Sha256::new().chain_update(told).chain_update(hooks::schema("role"));
    let digest = hooks::FILES.iter().fold(digest, |digest, file| digest.chain_update(file.content));
    hex::encode(digest.finalize()).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_count_where_there_are_hooks() {
        assert_eq!(settings(Purpose::Customer, "site"), "site");
        let shared = settings(Purpose::Shared, "site");
        assert!(shared.starts_with("site-") && shared.len() == 21, "{shared}");
        assert_ne!(shared, settings(Purpose::Shared, "another"));
    }
}
