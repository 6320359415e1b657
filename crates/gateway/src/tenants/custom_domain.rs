//! Domains that customers bring along.

use common::tenant::CHALLENGE;
use edge::Host;
use serde_json::{Value, json};

use super::offered::Rules;
use crate::http::fields::{Fault, Field, text};

/// RFC 1035 §2.3.4, without the dot at its end.
const LONGEST_NAME: usize = 253;

/// A domain of the customer's own. Below ours it could take another tenant's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomDomain(Host);

impl CustomDomain {
    /// The domain in small letters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn outside_of(ours: &str, text: &str) -> Result<Self, Fault> {
        let lower = text.to_ascii_lowercase();
        let host: Host = lower.parse().map_err(|error| Fault::new("invalid_domain", error))?;
        // Its proof has a name below it.
        if lower.len() + CHALLENGE.len() + 1 > LONGEST_NAME {
            return Err(Fault::new("invalid_domain", "is too long for a name below it"));
        }
        let last_label = lower.rsplit('.').next().unwrap_or_default();
        if !lower.contains('.') || last_label.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::new("invalid_domain", "must be a full domain name, not an address"));
        }
        if lower == ours || lower.strip_suffix(ours).is_some_and(|rest| rest.ends_with('.')) {
            return Err(Fault::new("reserved_domain", "may not be a domain of the platform"));
        }
        Ok(Self(host))
    }
}

impl Field<Rules<'_>> for CustomDomain {
    fn read(value: Value, rules: &Rules<'_>) -> Result<Self, Fault> {
        Self::outside_of(rules.domain, text(&value)?)
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_domain_is_a_full_name_outside_of_ours() {
        let check = |text: &str| {
            CustomDomain::outside_of("flows.example", text).map(|domain| domain.as_str().to_owned())
        };
        assert_eq!(check("Flows.Customer.COM").unwrap(), "flows.customer.com");
        assert!(check("myflows.example").is_ok());
        assert!(check(&format!("{}a.com", "x.".repeat(116))).is_ok());
        let bad = [
            "",
            "localhost",
            "flows.example",
            "x.flows.example",
            "10.0.0.1",
            "a.1",
            "a`b.com",
            "a b.com",
            "a.com\r\nx",
            "*.a.com",
            "a.com.",
            "http://a.com",
            "a.com:80",
            "ä.com",
            &format!("{}a.com", "x.".repeat(118)),
        ];
        for text in bad {
            assert!(check(text).is_err(), "{text:?}");
        }
    }
}
