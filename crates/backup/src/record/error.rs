//! How work on copies of the record fails.

use common::{
    database::DatabaseError,
    error::{Classify, Kind},
};
use n8n::copies::{CopyError, ProgramError};
use objects::{ObjectError, manifest::ManifestError, seal::SealError};

use super::sets;
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
    /// The address of the server that WAL comes from.
    #[error("RECORD_REPLICATION_URL names no server")]
    Replication,
    /// It answers otherwise than PostgreSQL does.
    #[error("the record's server says of its WAL what cannot be understood")]
    Foreign,
    /// Whoever else has the turn goes on.
    #[error("the turn to archive the record's WAL was lost")]
    Overtaken,
    /// What is before it can be had.
    #[error("the segment {segment} of WAL cannot be gone by; what happened before can be had: --at {}", sets::written(*.until))]
    Wal {
        segment: String,
        until: time::OffsetDateTime,
        #[source]
        damage: Damage,
    },
    #[error("there is no room for WAL on its way")]
    Room(#[source] std::io::Error),
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
            Self::Damage(error) | Self::Wal { damage: error, .. } => error.kind(),
            Self::Seal(error) => error.kind(),
            Self::Refused(_) | Self::Overtaken => Kind::Conflict,
            Self::Foreign => Kind::Upstream,
            Self::Replication
            | Self::Room(_)
            | Self::Address
            | Self::Manifest(_)
            | Self::Migrate(_)
            | Self::Unwritten(_) => Kind::Internal,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Program(error) => error.hint(),
            Self::Copy(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Damage(error) | Self::Wal { damage: error, .. } => error.hint(),
            Self::Address => Some("DATABASE_URL has to name a host and a database."),
            Self::Replication => Some(
                "RECORD_REPLICATION_URL has to name the record's server, and a role that may replicate it.",
            ),
            Self::Room(_) => Some("The service needs room for five segments of WAL in its /tmp."),
            Self::Asked(_)
            | Self::Foreign
            | Self::Overtaken
            | Self::Seal(_)
            | Self::Manifest(_)
            | Self::Migrate(_)
            | Self::Refused(_)
            | Self::Unwritten(_) => None,
        }
    }
}
