//! How work with a store fails.

use std::io;

use common::error::{Classify, Kind};

use crate::Key;

/// Why a verb of [`super::Objects`] did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The store does not answer, or says that it cannot at the moment. It may have acted.
    #[error("the object store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the object store took too long")]
    TooSlow(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It has no room left, or not for us.
    #[error("the object store is full: {0}")]
    Full(String),
    /// It does not let us in.
    #[error("the object store refuses our login: {0}")]
    Login(String),
    /// It answered with an error of another kind.
    #[error("the object store answered with {status}: {code}")]
    Answered { status: u16, code: String },
    #[error("there is no object {0}")]
    NotFound(Key),
    #[error("there is no bucket {0}, and none may be made")]
    NoBucket(String),
    /// The object became another one while it was read.
    #[error("the object {0} was replaced while it was read")]
    Replaced(Key),
    /// It holds an object of ours under a name that is none.
    #[error("the object store lists what is no key of ours: {0}")]
    Foreign(String),
    /// More than an object can hold.
    #[error("an object can hold {0} bytes at most")]
    TooLarge(u64),
    /// What was to be stored came to no good end.
    #[error("what was to be stored could not be read to its end")]
    Source(#[source] io::Error),
}

impl Classify for ObjectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
            Self::TooSlow(_) => Kind::Timeout,
            Self::Full(_) | Self::Answered { .. } | Self::Replaced(_) => Kind::Upstream,
            Self::NotFound(_) | Self::NoBucket(_) => Kind::NotFound,
            Self::Login(_) | Self::Foreign(_) | Self::Source(_) => Kind::Internal,
            Self::TooLarge(_) => Kind::Invalid,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable(_) | Self::TooSlow(_) => {
                Some("Look at the object store (S3_ENDPOINT): whether it runs, and answers in time.")
            }
            Self::Full(_) => Some("Give the object store more room, or let backups be kept for less long."),
            Self::Login(_) => {
                Some("Look at S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, and what they may do in S3_BUCKET.")
            }
            Self::NoBucket(_) => Some("Make the bucket that S3_BUCKET names, or let the login make it."),
            Self::Answered { .. }
            | Self::NotFound(_)
            | Self::Replaced(_)
            | Self::Foreign(_)
            | Self::TooLarge(_)
            | Self::Source(_) => None,
        }
    }
}
