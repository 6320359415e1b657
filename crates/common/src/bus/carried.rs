//! The headers of a message.

use async_nats::HeaderMap;
use time::OffsetDateTime;

use crate::telemetry;

/// What goes with a message so that one cause can be followed through all services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
    /// On whose behalf it was sent, such as `user:ada`. What the sender says, not what is proven.
    pub actor: Option<String>,
    /// Which user of the bus sent it: its server has let that one in, and nobody else send under this name. Only of what was received, and
    /// of messages that say so.
    pub sender: Option<String>,
    /// After this moment nobody wants it done any more.
    pub deadline: Option<OffsetDateTime>,
}

impl Carried {
    pub(super) fn to_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let deadline = self.deadline.map(|deadline| deadline.unix_timestamp().to_string());
        let pairs = [
            (CORRELATION, &self.correlation_id),
            (TRACEPARENT, &self.traceparent),
            (ACTOR, &self.actor),
            (DEADLINE, &deadline),
        ];
        for (name, value) in pairs {
            // A header value with a line break would be a second header.
            if let Some(value) = value.as_deref().filter(|v| !v.contains(['\r', '\n'])) {
                headers.insert(name, value);
            }
        }
        headers
    }

    pub(super) fn of(headers: Option<&HeaderMap>) -> Self {
        let get = |name| headers.and_then(|h| h.get(name)).map(|value| value.as_str().to_owned());
        let deadline = get(DEADLINE).and_then(|seconds| seconds.parse().ok());
        Self {
            correlation_id: get(CORRELATION),
            traceparent: get(TRACEPARENT).and_then(|context| telemetry::read_traceparent(&context)),
            actor: get(ACTOR),
            sender: None,
            deadline: deadline.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()),
        }
    }
}

const CORRELATION: &str = "rp9-correlation-id";
const TRACEPARENT: &str = "traceparent";
const ACTOR: &str = "rp9-actor";
/// Unix seconds.
const DEADLINE: &str = "rp9-deadline";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_arrives() {
        let carried = Carried {
            correlation_id: Some("order-42".into()),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            actor: Some("service:autoscaler".into()),
            sender: None,
            deadline: OffsetDateTime::from_unix_timestamp(1_800_000_000).ok(),
        };
        assert_eq!(Carried::of(Some(&carried.to_headers())), carried);
    }

    #[test]
    fn a_value_that_would_be_a_second_header_is_left_out() {
        let carried = Carried { actor: Some("a\r\nrp9-deadline: 1".into()), ..Carried::default() };
        assert_eq!(Carried::of(Some(&carried.to_headers())), Carried::default());
    }

    #[test]
    fn a_deadline_that_is_no_moment_is_none() {
        for text in ["soon", "", "-", "99999999999999999"] {
            let mut headers = HeaderMap::new();
            headers.insert(DEADLINE, text);
            assert_eq!(Carried::of(Some(&headers)).deadline, None, "{text:?}");
        }
    }
}
