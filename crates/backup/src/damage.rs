//! A set that is not what was written.

use common::error::{Classify, Kind};
use n8n::copies::CopyError;
use objects::{ObjectError, manifest::ManifestError, seal::SealError};

/// Why a set cannot be gone by, or not now.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is not what was written, and never will be again.
    #[error("the backup is damaged: {object} {why}")]
    Object { object: String, why: String },
    #[error("the backup is damaged")]
    Manifest(#[source] ManifestError),
    #[error("the backup is damaged")]
    Sealed(#[source] SealError),
    /// That is not known: the store does not say.
    #[error("the backup could not be read")]
    Store(#[source] ObjectError),
    /// Nor is it then.
    #[error("the backup could not be read back to its end: {0}")]
    BrokenOff(String),
    #[error("the dump in the backup could not be looked at")]
    Dump(#[source] CopyError),
}

impl Damage {
    /// This object is not what it was.
    pub fn of(object: &str, why: impl Into<String>) -> Self {
        Self::Object { object: object.to_owned(), why: why.into() }
    }

    /// Whether it never will be what was written again.
    pub const fn lasts(&self) -> bool {
        match self {
            Self::Object { .. } | Self::Manifest(_) | Self::Sealed(_) => true,
            Self::Store(_) | Self::BrokenOff(_) | Self::Dump(_) => false,
        }
    }
}

impl From<ObjectError> for Damage {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever else an error is, it says nothing of the set"
    )]
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::NotFound(key) => Self::of(key.name(), "is missing"),
            error => Self::Store(error),
        }
    }
}

impl Classify for Damage {
    fn kind(&self) -> Kind {
        match self {
            Self::Object { .. } | Self::Manifest(_) | Self::Sealed(_) => Kind::Conflict,
            Self::Store(error) => error.kind(),
            Self::BrokenOff(_) => Kind::Unavailable,
            Self::Dump(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Dump(error) => error.hint(),
            Self::Object { .. } | Self::Manifest(_) | Self::Sealed(_) | Self::BrokenOff(_) => None,
        }
    }
}
