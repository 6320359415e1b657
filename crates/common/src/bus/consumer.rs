//! What a service takes from a stream, and what becomes of a message.

use std::time::Duration;

use crate::error::{Classify, Kind, chain};

/// A message about which nothing is heard for so long is given to somebody else.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(30);

/// What a service takes from a stream.
#[derive(Debug, Clone, Copy)]
pub struct Consumer {
    /// Who takes it: the name that is on its dead letters.
    pub service: &'static str,
    /// The most urgent first.
    pub lanes: &'static [Lane],
    /// So many messages are handled at once; one that waits delays no other.
    pub at_once: usize,
    /// Durable consumers that earlier versions made and that are in the way of the lanes.
    pub retired: &'static [&'static str],
}

/// One durable consumer.
#[derive(Debug, Clone, Copy)]
pub struct Lane {
    /// Replicas with the same name share the work.
    pub name: &'static str,
    /// Which of the stream's subjects.
    pub filter: &'static str,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or done before.
    Done,
    /// Not done. The kind decides whether it is tried again; the detail is for whoever reads the dead letter.
    Failed { kind: Kind, detail: String },
}

impl Outcome {
    /// The outcome of an attempt that ended in this error.
    pub fn failed(error: &impl Classify) -> Self {
        tracing::warn!(error = chain(error), "a message could not be handled");
        Self::Failed { kind: error.kind(), detail: error.public_detail() }
    }
}
