//! How n8n names what a member has.

use std::fmt;

use crate::account::{AccountError, random_letters};

/// A member's personal project: 16 letters and digits, which all their webhooks begin with. Safe in a path by construction.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(String);

common::parsed_text!(ProjectId);

/// A text that is no such id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 16 letters and digits")]
pub struct ProjectIdError;

const LENGTH: usize = 16;

impl ProjectId {
    /// One that nobody has or had.
    pub fn generate() -> Result<Self, AccountError> {
        random_letters(LENGTH).map(Self)
    }
}

impl std::str::FromStr for ProjectId {
    type Err = ProjectIdError;

    fn from_str(text: &str) -> Result<Self, ProjectIdError> {
        let valid = text.len() == LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if valid { Ok(Self(text.to_owned())) } else { Err(ProjectIdError) }
    }
}

/// A workflow, as n8n drew its id or a member's import brought it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct WorkflowId(pub String);

impl fmt::Display for WorkflowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An execution; later ones have higher numbers, over all members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(pub i32);

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_id_is_one_and_hostile_texts_are_none() {
        let id = ProjectId::generate().unwrap();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_ne!(ProjectId::generate().unwrap(), id);
        for text in
            ["", "short", "aB3dE6gH9jK2mN5pX", "aB3dE6gH9jK2m/5p", "aB3dE6gH9jK2m'5p", "äB3dE6gH9jK2mN5"]
        {
            assert_eq!(text.parse::<ProjectId>(), Err(ProjectIdError), "{text:?}");
        }
    }
}
