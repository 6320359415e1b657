//! Which way of launching this is.

/// Counts the ways in which containers of the same instance were launched, release by release. Containers carry it as a label:
/// those of an older way are replaced, one tenant after the other. Raised with every change of what
/// [`Instance::launch`](super::Instance::launch) gives a customer's; 1 is what was launched before there was a count. What else one that
/// is shared is told counts in its own [`settings`](super::settings).
pub const REVISION: u32 = 4;

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use common::{id::TenantId, tenant::Purpose};

    use super::REVISION;
    use crate::launch::{Database, Instance, Launch, Redis, Role, Scheme};
    use crate::{Version, queues};

    /// What revision gives which launches. After a change of those: raise [`REVISION`], and write the new pair here.
    const KNOWN: (u32, &str) = (4, "f317be3f424ce7df");

    fn instance(scheme: Scheme) -> Instance {
        let tenant: TenantId = "ten_0198c0de0000700080000000000000aa".parse().unwrap();
        let (name, user) = (tenant.to_string(), tenant.to_string());
        Instance {
            tenant,
            purpose: Purpose::Customer,
            version: Version::new(1, 2, 3),
            host: "acme.example.com".into(),
            scheme,
            port: 8000,
            database: Database { host: "postgres".into(), port: 5432, name, user },
            redis: Redis {
                host: "redis".into(),
                port: 6379,
                user: queues::user(tenant),
                prefix: queues::prefix(tenant),
            },
            timezone: "Etc/UTC".into(),
            mail: None,
        }
    }

    fn fingerprint(launches: &[Launch]) -> String {
        let digest = Sha256::digest(format!("{launches:?}"));
        hex::encode(digest).chars().take(16).collect()
    }

    #[test]
    fn what_is_launched_does_not_change_without_its_revision() {
        let roles = [Role::Main, Role::Worker { concurrency: 10 }, Role::Webhook, Role::Migrate];
        let schemes = [Scheme::Http, Scheme::Https];
        let launches: Vec<_> =
            schemes.into_iter().flat_map(|scheme| roles.map(|role| instance(scheme).launch(role))).collect();
        assert_eq!(
            (REVISION, fingerprint(&launches).as_str()),
            KNOWN,
            "raise the revision, then note the pair"
        );
    }
}
