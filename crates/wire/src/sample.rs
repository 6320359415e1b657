//! What a tenant did and used, for whoever decides by it.

use std::time::Duration;

use common::{
    bus::{Concerns, Malformed, Message, Storage, StreamSpec, Undecodable},
    cluster::ClusterId,
    id::TenantId,
};
use prost::Message as _;
use time::OffsetDateTime;

use crate::proto;

/// Samples are kept for an hour: longer than any window that is decided by.
pub const SAMPLES: StreamSpec = StreamSpec {
    name: "RP9_SAMPLES",
    subjects: &["rp9.sample.v1.>"],
    work_queue: false,
    storage: Storage::File,
    max_age: Duration::from_secs(60 * 60),
    // Of some ten thousand tenants.
    max_bytes: 1 << 30,
    max_message_bytes: 4 << 10,
};

/// One tenant at one moment. What could not be seen is `None`, never zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub tenant: TenantId,
    /// Where it is. In the subject and not in the message.
    pub cluster: ClusterId,
    pub at: OffsetDateTime,
    pub figures: Figures,
}

/// What was seen of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub queue_wait_p95_seconds: Option<f64>,
    pub duration_p95_seconds: Option<f64>,
    /// Of what all its containers may use together.
    pub cpu_percent: Option<f64>,
    pub memory_percent: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub executions_min: Option<f64>,
    pub success_rate_percent: Option<f64>,
    pub concurrent_executions: Option<u64>,
    pub queue_depth: Option<u64>,
    /// How long what waits longest has waited.
    pub oldest_waiting_seconds: Option<f64>,
    pub workers: Option<u64>,
    /// Executions wait, and no worker has taken one for a while.
    pub workers_idle_while_waiting: Option<bool>,
    pub storage_bytes: Option<u64>,
}

impl Message for Sample {
    const NAME: &'static str = "Sample";
    const STREAM: StreamSpec = SAMPLES;

    fn subject(&self) -> String {
        format!("rp9.sample.v1.{}.{}", self.cluster, self.tenant)
    }

    fn dedup_id(&self) -> String {
        format!("{}.{}", self.tenant, self.at.unix_timestamp_nanos() / 1_000_000)
    }

    fn encode(&self) -> Vec<u8> {
        let seen = self.figures.clone();
        proto::Sample {
            tenant_id: self.tenant.to_string(),
            at_unix_millis: i64::try_from(self.at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default(),
            queue_wait_p95_seconds: seen.queue_wait_p95_seconds,
            duration_p95_seconds: seen.duration_p95_seconds,
            cpu_percent: seen.cpu_percent,
            memory_percent: seen.memory_percent,
            memory_bytes: seen.memory_bytes,
            executions_min: seen.executions_min,
            success_rate_percent: seen.success_rate_percent,
            concurrent_executions: seen.concurrent_executions,
            queue_depth: seen.queue_depth,
            oldest_waiting_seconds: seen.oldest_waiting_seconds,
            workers: seen.workers,
            workers_idle_while_waiting: seen.workers_idle_while_waiting,
            storage_bytes: seen.storage_bytes,
        }
        .encode_to_vec()
    }

    fn decode(subject: &str, bytes: &[u8]) -> Result<Self, Undecodable> {
        let malformed = |reason: String| Malformed { message: Self::NAME, reason };
        let message = proto::Sample::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        let cluster = subject.split('.').nth(3).unwrap_or_default();
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(message.at_unix_millis) * 1_000_000);
        Ok(Self {
            tenant: message.tenant_id.parse().map_err(|e| malformed(format!("tenant_id: {e}")))?,
            cluster: cluster.parse().map_err(|e| malformed(format!("the subject's cluster: {e}")))?,
            at: at.map_err(|e| malformed(format!("at_unix_millis: {e}")))?,
            figures: Figures {
                queue_wait_p95_seconds: message.queue_wait_p95_seconds,
                duration_p95_seconds: message.duration_p95_seconds,
                cpu_percent: message.cpu_percent,
                memory_percent: message.memory_percent,
                memory_bytes: message.memory_bytes,
                executions_min: message.executions_min,
                success_rate_percent: message.success_rate_percent,
                concurrent_executions: message.concurrent_executions,
                queue_depth: message.queue_depth,
                oldest_waiting_seconds: message.oldest_waiting_seconds,
                workers: message.workers,
                workers_idle_while_waiting: message.workers_idle_while_waiting,
                storage_bytes: message.storage_bytes,
            },
        })
    }

    fn concerns(&self) -> Concerns {
        Concerns { tenant: Some(self.tenant), operation: None }
    }
}
