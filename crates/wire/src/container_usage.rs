//! The question for what a cluster's containers use.

use std::time::Duration;

use common::{
    bus::{Malformed, Request},
    cluster::ClusterId,
    id::TenantId,
};
use prost::Message as _;
use time::OffsetDateTime;

use crate::proto;

/// Asks a provisioner, which alone reaches the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskContainerUsage {
    /// Whose provisioner is asked. It is in the subject and not in the message.
    pub cluster: Option<ClusterId>,
}

/// What one container of a tenant uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUsage {
    pub name: String,
    pub tenant: TenantId,
    /// When that was, by the engine's clock.
    pub at: OffsetDateTime,
    /// Processor time since the container was last started.
    pub cpu: Duration,
    /// In bytes, without page cache.
    pub memory: u64,
}

impl Request for AskContainerUsage {
    type Reply = Vec<ContainerUsage>;
    const SUBJECT: &'static str = "rp9.req.v1.provisioner.container_usage";

    fn place(&self) -> Option<&str> {
        self.cluster.as_ref().map(ClusterId::as_str)
    }

    fn encode(&self) -> Vec<u8> {
        proto::UsageRequest {}.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let read = proto::UsageRequest::decode(bytes);
        read.map_err(|e| Malformed { message: "UsageRequest", reason: e.to_string() })?;
        Ok(Self { cluster: None })
    }

    fn encode_reply(reply: &Vec<ContainerUsage>) -> Vec<u8> {
        let container = |used: &ContainerUsage| proto::ContainerUsage {
            name: used.name.clone(),
            tenant_id: used.tenant.to_string(),
            at_unix_nanos: i64::try_from(used.at.unix_timestamp_nanos()).unwrap_or_default(),
            cpu_nanos: u64::try_from(used.cpu.as_nanos()).unwrap_or(u64::MAX),
            memory_bytes: used.memory,
        };
        proto::UsageReply { containers: reply.iter().map(container).collect() }.encode_to_vec()
    }

    fn decode_reply(bytes: &[u8]) -> Result<Vec<ContainerUsage>, Malformed> {
        let malformed = |reason: String| Malformed { message: "UsageReply", reason };
        let reply = proto::UsageReply::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let container = |used: proto::ContainerUsage| {
            let at = OffsetDateTime::from_unix_timestamp_nanos(used.at_unix_nanos.into());
            Ok(ContainerUsage {
                tenant: used.tenant_id.parse().map_err(|e| malformed(format!("tenant_id: {e}")))?,
                at: at.map_err(|e| malformed(format!("at_unix_nanos: {e}")))?,
                name: used.name,
                cpu: Duration::from_nanos(used.cpu_nanos),
                memory: used.memory_bytes,
            })
        };
        reply.containers.into_iter().map(container).collect()
    }
}
