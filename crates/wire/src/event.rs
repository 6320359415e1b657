//! What happened, for whoever wants to know.

use std::{fmt::Display, str::FromStr, time::Duration};

use common::{
    bus::{Concerns, Malformed, Message, Storage, StreamSpec, Undecodable},
    id::{OperationId, TenantId},
};
use prost::Message as _;

use crate::proto;

/// Events are kept for a week, handled or not. The record keeps them as long.
pub const EVENTS: StreamSpec = StreamSpec {
    name: "RP9_EVENTS",
    subjects: &["rp9.evt.v1.>"],
    work_queue: false,
    storage: Storage::File,
    max_age: Duration::from_secs(7 * 24 * 60 * 60),
    // Some four million of them. Whoever wants older ones asks the record.
    max_bytes: 2 << 30,
    max_message_bytes: 1 << 20,
};

/// What stands in a subject where the tenant would, for an event that concerns none.
const NO_TENANT: &str = "none";

/// An operation, a step of one, or a tenant changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Rises from event to event, with gaps.
    pub id: i64,
    /// When it happened.
    pub at_unix_micros: i64,
    /// A family and what happened, such as `operation.succeeded`.
    pub kind: String,
    pub tenant: Option<TenantId>,
    pub operation: Option<OperationId>,
    /// The rest, as the API tells it: a JSON object.
    pub data_json: String,
}

impl Event {
    fn tenant_word(&self) -> String {
        self.tenant.map_or_else(|| NO_TENANT.to_owned(), |tenant| tenant.to_string())
    }
}

impl Message for Event {
    const NAME: &'static str = "Event";
    const STREAM: StreamSpec = EVENTS;

    fn subject(&self) -> String {
        format!("rp9.evt.v1.{}.{}", self.kind, self.tenant_word())
    }

    fn dedup_id(&self) -> String {
        // With the tenant, so that two records on one server (tests, a restored copy) do not swallow each other's.
        format!("{}.{}", self.id, self.tenant_word())
    }

    fn encode(&self) -> Vec<u8> {
        let text = |id: Option<String>| id.unwrap_or_default();
        proto::Event {
            id: self.id,
            at_unix_micros: self.at_unix_micros,
            kind: self.kind.clone(),
            tenant_id: text(self.tenant.map(|id| id.to_string())),
            operation_id: text(self.operation.map(|id| id.to_string())),
            data_json: self.data_json.clone(),
        }
        .encode_to_vec()
    }

    fn decode(_: &str, bytes: &[u8]) -> Result<Self, Undecodable> {
        let malformed = |reason: String| Malformed { message: Self::NAME, reason };
        let message = proto::Event::decode(bytes).map_err(|e| malformed(e.to_string()))?;
        if message.id <= 0 || message.kind.is_empty() {
            return Err(malformed("it has no id or no kind".into()).into());
        }
        Ok(Self {
            id: message.id,
            at_unix_micros: message.at_unix_micros,
            kind: message.kind,
            tenant: id_of(&message.tenant_id).map_err(|e| malformed(format!("tenant_id: {e}")))?,
            operation: id_of(&message.operation_id).map_err(|e| malformed(format!("operation_id: {e}")))?,
            data_json: message.data_json,
        })
    }

    fn concerns(&self) -> Concerns {
        Concerns { tenant: self.tenant, operation: self.operation }
    }
}

/// A text that is not there is empty.
fn id_of<T: FromStr<Err: Display>>(text: &str) -> Result<Option<T>, T::Err> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}
