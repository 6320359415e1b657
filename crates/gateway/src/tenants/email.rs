//! An e-mail address that mail can be sent to and n8n accepts as a login.

use std::str::FromStr;

use edge::Host;
use serde_json::{Value, json};

use crate::http::fields::{Fault, Text};

/// RFC 5321 §4.5.3.1.
const MAX_LENGTH: usize = 254;
const MAX_LOCAL: usize = 64;

/// A plain address: no quotes, no comments, no display name, a domain with a dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reason = "must be an e-mail address such as name@example.com";
        let (local, domain) = text.rsplit_once('@').ok_or(reason)?;
        let dotted = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext));
        let host = domain.to_ascii_lowercase().parse::<Host>().is_ok() && domain.contains('.');
        if dotted && host && local.len() <= MAX_LOCAL && text.len() <= MAX_LENGTH {
            Ok(Self(text.to_owned()))
        } else {
            Err(reason)
        }
    }
}

impl Text for Email {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|reason| Fault::new("invalid_email", reason))
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "email" })
    }
}

/// RFC 5322 §3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_accepted_as_written() {
        for text in ["a@b.co", "Ada.Lovelace+n8n@mail.Example.com", "o'neil@x-y.org"] {
            assert_eq!(text.parse::<Email>().map(|e| e.0), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        let long = format!("{}@b.co", "a".repeat(65));
        let hostile = [
            "",
            "@",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.de",
            "a@b.co\r\nBcc: x@y.z",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.de",
            "a@b..co",
            "\"a b\"@c.de",
            "Ada <a@b.co>",
            "a@b@c.de",
            "ä@b.co",
            "a@[10.0.0.1]",
            "a\0@b.co",
            &long,
        ];
        for text in hostile {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
    }
}
