//! What objects are called.

use std::{fmt, str::FromStr};

/// The longest that every store takes, S3 itself included.
const LONGEST: usize = 1024;

/// A path of one or more parts, none of them empty or made of dots, of letters, digits, `.`, `_` and `-`: what every store takes as it is,
/// gateways to file systems included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the key of an object: parts of letters, digits, `.`, `_` and `-`, with a slash between them")]
pub struct KeyError;

impl Key {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is called so below this one.
    pub fn child(&self, name: &str) -> Result<Self, KeyError> {
        format!("{}/{name}", self.0).parse()
    }

    /// The part after the last slash.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// What it begins with if it is below this one.
    pub(crate) fn prefix(&self) -> String {
        format!("{}/", self.0)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let is_part = |part: &str| {
            !part.bytes().all(|b| b == b'.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        if text.len() <= LONGEST && text.split('/').all(is_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError)
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_nowhere_else() {
        for text in ["a", "tenants/ten_1/backups/20261128T020000Z/manifest.json", "a.b-c_d"] {
            assert_eq!(text.parse::<Key>().unwrap().as_str(), text);
        }
        for text in
            ["", "/", "a/", "/a", "a//b", "..", "a/../b", "a/.", "a b", "a%2f", "a\0", "ä", "a?b", "a\\b"]
        {
            assert_eq!(text.parse::<Key>(), Err(KeyError), "{text:?}");
        }
        assert_eq!("x".repeat(LONGEST + 1).parse::<Key>(), Err(KeyError));
    }

    #[test]
    fn a_child_is_one_part_further() {
        let key: Key = "a/b".parse().unwrap();
        assert_eq!(key.child("c").unwrap().as_str(), "a/b/c");
        assert_eq!(key.name(), "b");
        assert_eq!(key.child("../c"), Err(KeyError));
    }
}
