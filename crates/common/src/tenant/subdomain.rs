//! The label a tenant's address begins with.

/// Labels that are, or may become, ours: the platform's own hosts, what browsers and mail servers look up by
/// convention, and names that would let a tenant pose as the operator.
const RESERVED: &[&str] = &[
    "acme-challenge",
    "admin",
    "api",
    "app",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "cdn",
    "console",
    "control",
    "dashboard",
    "docs",
    "edge",
    "ftp",
    "gateway",
    "git",
    "grafana",
    "help",
    "imap",
    "internal",
    "login",
    "mail",
    "metrics",
    "n8n",
    "nats",
    "ns",
    "ns1",
    "ns2",
    "pop",
    "portal",
    "postgres",
    "prometheus",
    "proxy",
    "redis",
    "root",
    "rp9",
    "s3",
    "security",
    "sftp",
    "shared",
    "smtp",
    "ssh",
    "ssl",
    "static",
    "status",
    "support",
    "system",
    "test",
    "traefik",
    "vault",
    "vpn",
    "webmail",
    "wpad",
    "www",
];

/// Sandboxes of restores are served under `<subdomain>-restore-<date>`, so no tenant may look like one.
const SANDBOX_MARK: &str = "-restore-";

/// Leaves room for `-restore-YYYYMMDD` in the 63 octets of a DNS label (RFC 1035 §2.3.4).
const MAX_LENGTH: usize = 40;
const MIN_LENGTH: usize = 3;

/// A DNS label in lower case that a tenant may have.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subdomain(String);

crate::parsed_text!(Subdomain);

/// Why a text is not a subdomain that a tenant may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubdomainError {
    #[error("must be {MIN_LENGTH} to {MAX_LENGTH} characters long")]
    Length,
    #[error(
        "may hold only lower-case letters, digits and single hyphens, and begins and ends without a hyphen"
    )]
    Characters,
    #[error("is reserved")]
    Reserved,
}

impl std::str::FromStr for Subdomain {
    type Err = SubdomainError;

    fn from_str(text: &str) -> Result<Self, SubdomainError> {
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&text.len()) {
            return Err(SubdomainError::Length);
        }
        let letters = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        // A double hyphen is how internationalised names (`xn--…`) disguise themselves.
        let hyphens = !text.starts_with('-') && !text.ends_with('-') && !text.contains("--");
        if !letters || !hyphens {
            return Err(SubdomainError::Characters);
        }
        if RESERVED.contains(&text) || text.contains(SANDBOX_MARK) {
            return Err(SubdomainError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_labels_are_accepted() {
        for text in ["acme", "acme-2", "a1b", "42-shops"] {
            assert_eq!(text.parse::<Subdomain>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_label_is_refused_with_its_reason() {
        let cases = [
            ("", SubdomainError::Length),
            ("ab", SubdomainError::Length),
            (&"a".repeat(41), SubdomainError::Length),
            ("Acme", SubdomainError::Characters),
            ("-acme", SubdomainError::Characters),
            ("acme-", SubdomainError::Characters),
            ("xn--acme", SubdomainError::Characters),
            ("ac.me", SubdomainError::Characters),
            ("ac`me", SubdomainError::Characters),
            ("acme\n", SubdomainError::Characters),
            ("ácme", SubdomainError::Characters),
            ("www", SubdomainError::Reserved),
            ("acme-restore-x", SubdomainError::Reserved),
        ];
        for (text, reason) in cases {
            assert_eq!(text.parse::<Subdomain>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn the_reserved_list_is_sorted_so_that_reviews_are_easy() {
        assert!(RESERVED.is_sorted());
    }
}
