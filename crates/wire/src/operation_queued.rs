//! The wake-up that follows an accepted operation.

use std::time::Duration;

use common::{
    bus::{Malformed, Message, StreamSpec},
    id::OperationId,
};
use prost::Message as _;

use crate::proto;

/// Commands wait here until somebody handles them. The rows behind them wait longer than that.
pub const COMMANDS: StreamSpec = StreamSpec {
    name: "RP9_COMMANDS",
    subjects: &["rp9.cmd.v1.>"],
    work_queue: true,
    max_age: Duration::from_secs(24 * 60 * 60),
};

/// Every command for the provisioner.
pub const PROVISIONER_COMMANDS: &str = "rp9.cmd.v1.provisioner.>";

/// How urgent a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    High,
    Normal,
    Low,
}

impl Priority {
    const fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// An operation was accepted and may be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationQueued {
    pub operation: OperationId,
    pub kind: String,
    /// Decides the subject; the row knows it too, so it is not in the bytes.
    pub priority: Priority,
}

impl Message for OperationQueued {
    const NAME: &'static str = "OperationQueued";
    const STREAM: StreamSpec = COMMANDS;

    fn subject(&self) -> String {
        format!("rp9.cmd.v1.provisioner.{}.operation_queued", self.priority.word())
    }

    fn dedup_id(&self) -> String {
        self.operation.to_string()
    }

    fn encode(&self) -> Vec<u8> {
        proto::OperationQueued { operation_id: self.operation.to_string(), kind: self.kind.clone() }
            .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |reason: String| Malformed { message: Self::NAME, reason };
        let message = proto::OperationQueued::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let operation = message.operation_id.parse().map_err(|e| malformed(format!("operation_id: {e}")))?;
        Ok(Self { operation, kind: message.kind, priority: Priority::Normal })
    }
}
