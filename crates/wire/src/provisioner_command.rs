//! What the provisioner is told: that an operation was accepted, or that one is to be.

use std::time::Duration;

use common::{
    bus::{Concerns, Consumer, Lane, Malformed, Message, Storage, StreamSpec, Undecodable},
    id::OperationId,
    operations::Priority,
};
use prost::Message as _;

use crate::{SubmitOperation, proto};

/// Commands wait here until somebody handles them. Longer than any of them lives, so that one that comes too late becomes
/// a dead letter instead of vanishing; of every version, so that one from the future does not vanish either.
pub const COMMANDS: StreamSpec = StreamSpec {
    name: "RP9_COMMANDS",
    subjects: &["rp9.cmd.>"],
    work_queue: true,
    storage: Storage::File,
    max_age: Duration::from_secs(7 * 24 * 60 * 60),
    // Some million of them: whoever publishes to a service that has been away for days is told that there is no room.
    max_bytes: 512 << 20,
    max_message_bytes: 1 << 20,
};

/// How the provisioner takes its commands.
pub const PROVISIONER: Consumer = Consumer {
    service: "provisioner",
    lanes: &[
        Lane { name: "provisioner-high", filter: "rp9.cmd.*.provisioner.high.>" },
        Lane { name: "provisioner-normal", filter: "rp9.cmd.*.provisioner.normal.>" },
        Lane { name: "provisioner-low", filter: "rp9.cmd.*.provisioner.low.>" },
    ],
    at_once: 16,
    retired: &["provisioner"],
};

/// How the service of backups is woken.
pub const BACKUP: Consumer = Consumer {
    service: "backup",
    lanes: &[
        Lane { name: "backup-high", filter: "rp9.cmd.*.backup.high.>" },
        Lane { name: "backup-normal", filter: "rp9.cmd.*.backup.normal.>" },
        Lane { name: "backup-low", filter: "rp9.cmd.*.backup.low.>" },
    ],
    at_once: 16,
    retired: &[],
};

const PREFIX: &str = "rp9.cmd.v1.provisioner";

const QUEUED: &str = "operation_queued";

/// A command for the provisioner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionerCommand {
    pub priority: Priority,
    pub order: Order,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// An operation was accepted and may be started.
    Wake(OperationQueued),
    /// An operation is to be accepted.
    Submit(SubmitOperation),
}

/// There is something to do for an operation: it was accepted, was called off, or what it waited for has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationQueued {
    /// Whose workers are to look.
    pub service: String,
    pub operation: OperationId,
    pub kind: String,
    /// The other operation that is the reason, which tells this message from one that was sent of it before. It is not sent along.
    pub because_of: Option<OperationId>,
}

impl Order {
    const fn verb(&self) -> &'static str {
        match self {
            Self::Wake(_) => QUEUED,
            Self::Submit(_) => "submit_operation",
        }
    }
}

impl Message for ProvisionerCommand {
    const NAME: &'static str = "ProvisionerCommand";
    const STREAM: StreamSpec = COMMANDS;
    const SENDER: Option<usize> = Some(6);

    fn names_sender(&self) -> bool {
        match &self.order {
            // To look once more does no harm, whoever says so.
            Order::Wake(_) => false,
            Order::Submit(_) => true,
        }
    }

    fn subject(&self) -> String {
        format!("{PREFIX}.{}.{}", self.priority.as_str(), self.order.verb())
    }

    fn dedup_id(&self) -> String {
        match &self.order {
            Order::Wake(queued) => queued.dedup_id(),
            Order::Submit(submitted) => format!("submit.{}", submitted.operation),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match &self.order {
            Order::Wake(queued) => queued.encode(),
            Order::Submit(submitted) => submitted.encode(),
        }
    }

    fn decode(subject: &str, bytes: &[u8]) -> Result<Self, Undecodable> {
        let unknown = || Undecodable::Unknown(format!("`{subject}` is no command of this version"));
        let rest =
            subject.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('.')).ok_or_else(unknown)?;
        let (priority, verb) = rest.split_once('.').ok_or_else(unknown)?;
        let priority = Priority::ALL.into_iter().find(|p| p.as_str() == priority).ok_or_else(unknown)?;
        let order = match verb {
            QUEUED => Order::Wake(OperationQueued::read(PROVISIONER.service, bytes)?),
            "submit_operation" => Order::Submit(SubmitOperation::decode(bytes)?),
            _ => return Err(unknown()),
        };
        Ok(Self { priority, order })
    }

    fn lifetime(&self) -> Option<Duration> {
        match &self.order {
            // To look once more does no harm.
            Order::Wake(_) => None,
            // Who asked yesterday has asked again since, or given up.
            Order::Submit(_) => Some(Duration::from_secs(24 * 60 * 60)),
        }
    }

    fn concerns(&self) -> Concerns {
        match &self.order {
            Order::Wake(queued) => Concerns { tenant: None, operation: Some(queued.operation) },
            Order::Submit(submitted) => {
                Concerns { tenant: Some(submitted.tenant), operation: Some(submitted.operation) }
            }
        }
    }
}

impl OperationQueued {
    fn read(service: &str, bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |reason: String| Malformed { message: "OperationQueued", reason };
        let message = proto::OperationQueued::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let operation = message.operation_id.parse().map_err(|e| malformed(format!("operation_id: {e}")))?;
        Ok(Self { service: service.to_owned(), operation, kind: message.kind, because_of: None })
    }
}

/// Told to whichever service does that kind.
impl Message for OperationQueued {
    const NAME: &'static str = "OperationQueued";
    const STREAM: StreamSpec = COMMANDS;

    fn subject(&self) -> String {
        format!("rp9.cmd.v1.{}.{}.{QUEUED}", self.service, Priority::Normal.as_str())
    }

    fn dedup_id(&self) -> String {
        match self.because_of {
            None => self.operation.to_string(),
            Some(other) => format!("{}.{other}", self.operation),
        }
    }

    fn encode(&self) -> Vec<u8> {
        proto::OperationQueued { operation_id: self.operation.to_string(), kind: self.kind.clone() }
            .encode_to_vec()
    }

    fn decode(subject: &str, bytes: &[u8]) -> Result<Self, Undecodable> {
        let unknown = || Undecodable::Unknown(format!("`{subject}` wakes nobody"));
        let parts: Vec<_> = subject.split('.').collect();
        let ["rp9", "cmd", "v1", service, _, QUEUED] = parts[..] else { return Err(unknown()) };
        Ok(Self::read(service, bytes)?)
    }

    fn concerns(&self) -> Concerns {
        Concerns { tenant: None, operation: Some(self.operation) }
    }
}
