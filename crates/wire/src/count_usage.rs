//! The question for the last of what an instance has run.

use common::{
    bus::{Malformed, Request},
    cluster::ClusterId,
    id::TenantId,
};
use prost::Message as _;

use crate::proto;

/// Asks a collector to count what an instance has run up to now, before its database goes. The answer comes when it is in the record, or when
/// there is no such database any more. Safe to ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountUsage {
    pub instance: TenantId,
    /// Whose collector is asked. It is in the subject and not in the message.
    pub cluster: Option<ClusterId>,
}

impl Request for CountUsage {
    type Reply = ();
    const SUBJECT: &'static str = "rp9.req.v1.metrics-collector.count_usage";

    fn place(&self) -> Option<&str> {
        self.cluster.as_ref().map(ClusterId::as_str)
    }

    fn encode(&self) -> Vec<u8> {
        proto::CountRequest { instance_id: self.instance.to_string() }.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |reason: String| Malformed { message: "CountRequest", reason };
        let message = proto::CountRequest::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let instance = message.instance_id.parse().map_err(|e| malformed(format!("instance_id: {e}")))?;
        Ok(Self { instance, cluster: None })
    }

    fn encode_reply((): &()) -> Vec<u8> {
        proto::CountReply {}.encode_to_vec()
    }

    fn decode_reply(bytes: &[u8]) -> Result<(), Malformed> {
        let read = proto::CountReply::decode(bytes);
        read.map(drop).map_err(|e| Malformed { message: "CountReply", reason: e.to_string() })
    }
}
