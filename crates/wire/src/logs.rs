//! The question for what a tenant's containers wrote.

use common::{
    bus::{Malformed, Request},
    cluster::ClusterId,
    id::TenantId,
};
use prost::Message as _;
use time::OffsetDateTime;

use crate::proto;

/// So many lines are told at most.
pub const MOST_LINES: u16 = 1000;

/// So much text, in bytes: with all that goes along, below the megabyte that NATS carries.
pub const MOST_TEXT: usize = 512 * 1024;

/// Asks a provisioner, which alone reaches the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskLogs {
    pub tenant: TenantId,
    /// Whose provisioner is asked: that of the tenant's home. It is in the subject and not in the message.
    pub cluster: Option<ClusterId>,
    /// `None`: of all its containers.
    pub role: Option<LoggedRole>,
    pub tail: u16,
    /// Only what was written after this.
    pub after: Option<OffsetDateTime>,
}

/// Whose logs are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedRole {
    Main,
    Worker,
}

/// One line of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The container's name.
    pub instance: String,
    pub at: OffsetDateTime,
    /// `stdout` or `stderr`.
    pub stream: String,
    pub text: String,
}

/// The lines that were asked for, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    pub lines: Vec<LogLine>,
    /// There were more, older than these.
    pub truncated: bool,
}

impl LoggedRole {
    /// Every role, and the word for it.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Main, "main"), (Self::Worker, "worker")];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Worker => "worker",
        }
    }
}

impl std::str::FromStr for LoggedRole {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|(_, word)| *word == text);
        known.map(|(role, _)| role).ok_or("must be `main` or `worker`")
    }
}

impl Request for AskLogs {
    type Reply = Logs;
    const SUBJECT: &'static str = "rp9.req.v1.provisioner.logs";

    fn place(&self) -> Option<&str> {
        self.cluster.as_ref().map(ClusterId::as_str)
    }

    fn encode(&self) -> Vec<u8> {
        proto::LogsRequest {
            tenant_id: self.tenant.to_string(),
            role: self.role.map(LoggedRole::as_str).unwrap_or_default().to_owned(),
            tail: self.tail.into(),
            after_unix_nanos: self.after.map_or(0, nanos),
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |reason: String| Malformed { message: "LogsRequest", reason };
        let message = proto::LogsRequest::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let role = match message.role.as_str() {
            "" => None,
            word => Some(word.parse().map_err(|e| malformed(format!("role: {e}")))?),
        };
        let after = match message.after_unix_nanos {
            0 => None,
            nanos => Some(moment(nanos).map_err(|e| malformed(format!("after_unix_nanos: {e}")))?),
        };
        Ok(Self {
            tenant: message.tenant_id.parse().map_err(|e| malformed(format!("tenant_id: {e}")))?,
            cluster: None,
            role,
            tail: u16::try_from(message.tail).unwrap_or(MOST_LINES).min(MOST_LINES),
            after,
        })
    }

    fn encode_reply(logs: &Logs) -> Vec<u8> {
        let line = |line: &LogLine| proto::LogLine {
            instance: line.instance.clone(),
            at_unix_nanos: nanos(line.at),
            stream: line.stream.clone(),
            text: line.text.clone(),
        };
        let lines = logs.lines.iter().map(line).collect();
        proto::LogsReply { lines, truncated: logs.truncated }.encode_to_vec()
    }

    fn decode_reply(bytes: &[u8]) -> Result<Logs, Malformed> {
        let malformed = |reason: String| Malformed { message: "LogsReply", reason };
        let reply = proto::LogsReply::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let line = |line: proto::LogLine| {
            let at = moment(line.at_unix_nanos).map_err(|e| malformed(format!("at_unix_nanos: {e}")))?;
            Ok(LogLine { instance: line.instance, at, stream: line.stream, text: line.text })
        };
        let lines = reply.lines.into_iter().map(line).collect::<Result<_, _>>()?;
        Ok(Logs { lines, truncated: reply.truncated })
    }
}

/// Years from 1678 to 2262; nothing was written before or is written after.
fn nanos(moment: OffsetDateTime) -> i64 {
    let nanos = moment.unix_timestamp_nanos();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

fn moment(nanos: i64) -> Result<OffsetDateTime, time::error::ComponentRange> {
    OffsetDateTime::from_unix_timestamp_nanos(nanos.into())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_beyond_all_logs_stays_on_its_side_of_them() {
        let line = datetime!(2026-08-01 12:00 UTC);
        let asked = |after| {
            let asked = AskLogs {
                tenant: TenantId::generate(),
                cluster: None,
                role: None,
                tail: 1,
                after: Some(after),
            };
            AskLogs::decode(&asked.encode()).unwrap().after.unwrap()
        };
        // What Go's programs mean by no moment at all.
        assert!(asked(datetime!(0001-01-01 0:00 UTC)) < line);
        assert!(asked(datetime!(9999-12-31 23:59 UTC)) > line);
        assert_eq!(asked(line), line);
    }
}
