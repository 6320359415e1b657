//! A host name that may stand in a rule.

/// The longest name DNS carries, and the longest label in it (RFC 1035 §2.3.4).
const MAX_LENGTH: usize = 253;
const MAX_LABEL: usize = 63;

/// A DNS name in lower case: labels of letters, digits and hyphens. Safe in a rule, a name and a header by construction.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(String);

crate::parsed_text!(Host);

/// A text that is no host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a host name: labels of lower-case letters, digits and hyphens, joined by dots")]
pub struct HostError;

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl std::str::FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let valid = text.len() <= MAX_LENGTH && text.split('.').all(is_label);
        if valid { Ok(Self(text.to_owned())) } else { Err(HostError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_dns_carries_are_hosts() {
        for text in ["localhost", "acme.localhost", "flows.example.com", "xn--bcher-kva.example", "a.1"] {
            assert_eq!(text.parse::<Host>().map(|host| host.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_could_leave_a_rule_is_no_host() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = ["a".repeat(60).as_str(); 5].join(".");
        let hostile = [
            "",
            ".",
            "acme.",
            ".acme",
            "a..b",
            "Acme.localhost",
            "acme_1",
            "-a.b",
            "a-.b",
            "a b",
            "a/b",
            "a:80",
            "*",
            "acme`) || Host(`b",
            "a\"b",
            "a'b",
            "a\r\nx: y",
            "a\nb",
            "a\0b",
            "ácme",
            "a{b}",
            "a$b",
            "a@b",
            &long,
            &longer,
        ];
        for text in hostile {
            assert_eq!(text.parse::<Host>(), Err(HostError), "{text:?}");
        }
    }
}
