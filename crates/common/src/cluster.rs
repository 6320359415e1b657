//! What clusters are called.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// The name of one cluster: one engine (or orchestrator) and the control plane that drives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ClusterId(String);

/// A text that cannot name a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cluster is named by 1 to 63 lower-case letters, digits and hyphens, and begins with a letter or digit"
)]
pub struct ClusterIdError;

impl ClusterId {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClusterId {
    type Err = ClusterIdError;

    fn from_str(text: &str) -> Result<Self, ClusterIdError> {
        let length = (1..=63).contains(&text.len());
        let letters = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if length && letters && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(ClusterIdError)
        }
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_named_plainly() {
        for text in ["", "Local", "-a", "a b", "ä", &"a".repeat(64)] {
            assert_eq!(text.parse::<ClusterId>(), Err(ClusterIdError), "{text:?}");
        }
    }
}
