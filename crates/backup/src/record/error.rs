//! How work on copies of the record fails.

use common::{
    database::DatabaseError,
    error::{Classify, Kind},
};
use n8n::copies::{CopyError, ProgramError};
use objects::{ObjectError, manifest::ManifestError, seal::SealError};

use crate::Damage;

/// Why the record is not copied, or not brought back.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the record cannot be asked")]
    Asked(#[from] sqlx::Error),
    /// Its address is none that PostgreSQL's programs could be given.
    #[error("the record's address names no host, or no database")]
    Address,
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error("the store did not do it")]
    Store(#[from] ObjectError),
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error("it could not be sealed")]
    Seal(#[from] SealError),
    #[error("the manifest could not be written")]
    Manifest(#[from] ManifestError),
    #[error("the record that was brought back could not be migrated")]
    Migrate(#[from] DatabaseError),
    /// It was found that it is not to be done.
    #[error("{0}")]
    Refused(&'static str),
    #[error("it could not be written: {0}")]
    Unwritten(#[from] serde_json::Error),
}

impl Classify for RecordError {
    fn kind(&self) -> Kind {
        match self {
            Self::Asked(error) => error.kind(),
            Self::Program(error) => error.kind(),
            Self::Copy(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Damage(error) => error.kind(),
            Self::Seal(error) => error.kind(),
            Self::Refused(_) => Kind::Conflict,
            Self::Address | Self::Manifest(_) | Self::Migrate(_) | Self::Unwritten(_) => Kind::Internal,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Program(error) => error.hint(),
            Self::Copy(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Damage(error) => error.hint(),
            Self::Address => Some("DATABASE_URL has to name a host and a database."),
            Self::Asked(_)
            | Self::Seal(_)
            | Self::Manifest(_)
            | Self::Migrate(_)
            | Self::Refused(_)
            | Self::Unwritten(_) => None,
        }
    }
}
