//! Asking the edge which route is in force.

use async_trait::async_trait;
use common::error::{Classify, Kind};

use crate::{Host, Mark};

mod http;
mod prober;

pub use http::{HttpEdge, HttpEdgeError};
pub use prober::Prober;

/// The edge, as far as we ask it anything. Each verb looks once; waiting is the caller's.
#[async_trait]
pub trait Edge: Send + Sync {
    /// Succeeds if every proxy answers this host on exactly this route, and reaches something behind it.
    async fn confirm(&self, host: &Host, expected: Mark) -> Result<(), EdgeError>;

    /// Succeeds if no proxy knows this host.
    async fn confirm_gone(&self, host: &Host) -> Result<(), EdgeError>;
}

/// Why something is not confirmed. All of these may pass.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// A proxy answers, but not yet as expected.
    #[error("the edge does not answer as expected yet: {seen}")]
    NotYet {
        /// What it answered instead.
        seen: String,
    },
    /// A proxy does not answer.
    #[error("the edge is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Classify for EdgeError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotYet { .. } | Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
