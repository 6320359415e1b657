//! How work on the members of a shared n8n fails.

use common::error::{Classify, Kind};

use super::ProjectId;
use crate::databases::DatabaseError;

/// Why a verb of [`super::Members`] did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("there is no member with the project {0}")]
    NoMember(ProjectId),
    /// An id of this member is somebody else's there.
    #[error("ids of the member with the project {0} are taken")]
    Taken(ProjectId),
    /// n8n deletes nobody of whom something is active.
    #[error("a workflow of the project {0} is still active")]
    StillActive(ProjectId),
    /// Nothing is active any more, and n8n is not done with ending it, which it does a moment later.
    #[error("workflows of the project {0} are still being ended")]
    StillEnding(ProjectId),
    /// n8n does not answer, or does not at the moment. It may have acted.
    #[error("the shared n8n does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may have acted, or do so yet.
    #[error("the shared n8n took too long")]
    TooSlow(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the shared n8n refuses the platform's key")]
    Key,
    /// Whoever answers at that address does not speak as n8n does.
    #[error("the shared n8n answered with {status}: {message}")]
    Answered { status: u16, message: String },
}

impl Classify for MemberError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Database(error) => error.hint(),
            Self::Unavailable(_) | Self::TooSlow(_) => {
                Some("Look at the shared n8n's main: whether it runs, is ready, and has CPU left.")
            }
            Self::Key => Some(
                "The shared n8n's row for the platform's API key, or its JWT secret, is another than the platform's record says.",
            ),
            Self::NoMember(_)
            | Self::Taken(_)
            | Self::StillActive(_)
            | Self::StillEnding(_)
            | Self::Answered { .. } => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Database(error) => error.kind(),
            Self::NoMember(_) => Kind::NotFound,
            Self::Taken(_) | Self::StillActive(_) => Kind::Conflict,
            Self::StillEnding(_) | Self::Unavailable(_) => Kind::Unavailable,
            Self::TooSlow(_) => Kind::Timeout,
            Self::Key => Kind::Internal,
            Self::Answered { .. } => Kind::Upstream,
        }
    }
}
