//! What a message is: where it goes, how it is written, how long it is worth anything.

use std::time::Duration;

use crate::id::{OperationId, TenantId};

/// Bytes that are not the message they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {message} message: {reason}")]
pub struct Malformed {
    pub message: &'static str,
    pub reason: String,
}

/// Why a message cannot be read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Well formed perhaps, but of a sort or a version that this program does not know. The text says which.
    #[error("{0}")]
    Unknown(String),
}

/// Whom a message is about, as far as it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Concerns {
    pub tenant: Option<TenantId>,
    pub operation: Option<OperationId>,
}

/// A stream that messages are kept in. On how many servers is configuration; the rest is here, and applied to a stream that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSpec {
    pub name: &'static str,
    pub subjects: &'static [&'static str],
    /// Whether a message is gone once it was handled, or kept until it is too old. A full queue takes nothing more; another stream
    /// forgets what is oldest.
    pub work_queue: bool,
    /// Cannot be changed once the stream is there.
    pub storage: Storage,
    pub max_age: Duration,
    /// Of all that it keeps.
    pub max_bytes: u64,
    /// Of one message, with its headers.
    pub max_message_bytes: u32,
}

/// What a stream survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// A restart of its server.
    File,
    /// No more than the loss of all but one of its servers: for what is worth nothing a while later.
    Memory,
}

/// A message that has one place to go.
pub trait Message: Sized + Send + Sync + 'static {
    /// The name used in logs.
    const NAME: &'static str;
    /// The stream that keeps it.
    const STREAM: StreamSpec;
    /// Which token of its subject says who sent it, counted from 0; `None` where that makes no difference. The bus adds and takes it, and
    /// its server lets nobody write another's name there.
    const SENDER: Option<usize> = None;

    /// Where it goes, without its sender.
    fn subject(&self) -> String;
    /// Two messages with the same one within the stream's window are one message.
    fn dedup_id(&self) -> String;
    /// Whether this one says who sent it.
    fn names_sender(&self) -> bool {
        false
    }
    fn encode(&self) -> Vec<u8>;
    /// Reads what came under this subject, its sender taken away.
    fn decode(subject: &str, bytes: &[u8]) -> Result<Self, Undecodable>;
    /// How old it may get before acting on it is worse than not; `None` when acting late does no harm.
    fn lifetime(&self) -> Option<Duration> {
        None
    }
    /// Whom it is about.
    fn concerns(&self) -> Concerns {
        Concerns::default()
    }
}
