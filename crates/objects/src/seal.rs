//! Compressed, then encrypted: what `age -d -i KEY | zstd -d` opens. Nothing is ever whole in memory, nor in clear anywhere else.

mod key;
mod pipe;
mod seal_text;
mod stream;

pub use key::{Recipient, SealKey};
pub use seal_text::{open_text, seal_text};
pub use stream::{Plain, open, seal};

use common::error::{Classify, Kind};

/// Why something sealed does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It is for other keys than this.
    #[error("it is sealed for another key")]
    Key,
    /// It is not what was sealed, or not all of it.
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("not a key of age's")]
    NoKey,
}

impl Classify for SealError {
    fn kind(&self) -> Kind {
        match self {
            Self::Key | Self::Damaged(_) => Kind::Conflict,
            Self::NoKey => Kind::Invalid,
        }
    }
}

impl From<age::DecryptError> for SealError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else is wrong with it, it is damaged")]
    fn from(error: age::DecryptError) -> Self {
        match error {
            age::DecryptError::NoMatchingKeys => Self::Key,
            error => Self::Damaged(error.to_string()),
        }
    }
}
