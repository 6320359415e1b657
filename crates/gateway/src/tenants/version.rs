//! The version of n8n that new tenants get.

use std::str::FromStr;

/// A version of n8n: three numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct N8nVersion(String);

impl N8nVersion {
    /// The version itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for N8nVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number =
            |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() == 3 && parts.into_iter().all(number) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be three numbers, such as 2.41.1")
        }
    }
}
