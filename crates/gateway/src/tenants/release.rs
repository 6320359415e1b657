//! Which release of n8n a tenant is to run.

use common::version::Version;
use serde_json::{Value, json};
use wire::N8N_VERSIONS;

use crate::http::fields::{Fault, Text};

/// One of those that tenants may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release(Version);

impl Release {
    /// The version itself.
    pub const fn version(self) -> Version {
        self.0
    }

    fn words() -> [String; N8N_VERSIONS.len()] {
        N8N_VERSIONS.map(|version| version.to_string())
    }
}

impl Text for Release {
    fn parse(text: &str) -> Result<Self, Fault> {
        let known = N8N_VERSIONS.into_iter().find(|version| version.to_string() == text);
        let unknown =
            || Fault::new("unknown_version", format!("must be one of: {}", Self::words().join(", ")));
        known.map(Self).ok_or_else(unknown)
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::words() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_spelt_as_it_is_listed_and_what_is_not_is_told_which_are() {
        for version in N8N_VERSIONS {
            assert_eq!(Release::parse(&version.to_string()).map(Release::version), Ok(version));
        }
        for other in ["", "latest", "2.41", "2.41.2", "v2.41.1", "2.41.1 ", "02.41.1", "99.0.0"] {
            let fault = Release::parse(other).unwrap_err();
            assert_eq!((fault.code, &*fault.detail), ("unknown_version", "must be one of: 2.40.7, 2.41.1"));
        }
    }
}
