//! One request and its answer, as the layers around the handlers know it: its names, and what became known on the way.

use std::sync::{Arc, OnceLock};

use common::{
    bus::Carried,
    id::{OperationId, TenantId},
    telemetry,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

use crate::{
    auth::{Identity, Proof},
    idempotency::RequestDigest,
    problem::{Code, Problem},
    rates::{LimitStatus, Policy},
};

/// The header that names a request across services.
pub const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
/// The header that tells callers which trace their request is of.
pub const TRACE: HeaderName = HeaderName::from_static("x-trace-id");
const TRACEPARENT: &str = "traceparent";
const MAX_CORRELATION: usize = 128;
/// Longer than any name of ours.
const MAX_NAMED: usize = 100;

/// A request's names and the notes made while it was handled.
#[derive(Debug, Clone)]
pub struct Exchange(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    correlation_id: HeaderValue,
    traceparent: Option<String>,
    trace_id: String,
    identity: OnceLock<Identity>,
    action: OnceLock<&'static str>,
    digest: OnceLock<RequestDigest>,
    proof: OnceLock<Proof>,
    tenant: OnceLock<TenantId>,
    operation: OnceLock<OperationId>,
    named: OnceLock<String>,
    /// One for each [`Policy`].
    limits: [OnceLock<LimitStatus>; Policy::ALL.len()],
}

impl Exchange {
    /// Reads the names the caller gave, or makes them. Called inside the request's span.
    pub fn begin(headers: &HeaderMap) -> Self {
        let given = incoming_traceparent(headers);
        let traceparent = telemetry::traceparent().or(given);
        let trace_id =
            traceparent.as_deref().and_then(telemetry::trace_id_of).map_or_else(random_hex, str::to_owned);
        Self(Arc::new(Inner {
            correlation_id: correlation_id(headers),
            traceparent,
            trace_id,
            identity: OnceLock::new(),
            action: OnceLock::new(),
            digest: OnceLock::new(),
            proof: OnceLock::new(),
            tenant: OnceLock::new(),
            operation: OnceLock::new(),
            named: OnceLock::new(),
            limits: Default::default(),
        }))
    }

    /// The exchange a handler is part of.
    pub fn of(extensions: &Extensions) -> Result<&Self, Problem> {
        // Only a router without the outermost layer has none: a mistake of ours.
        extensions.get().ok_or_else(|| Problem::new(Code::Internal))
    }

    /// The correlation id, as a header.
    pub fn correlation_header(&self) -> HeaderValue {
        self.0.correlation_id.clone()
    }

    /// The trace's id, as a header.
    pub fn trace_header(&self) -> HeaderValue {
        // 32 hexadecimal digits, whoever made them.
        HeaderValue::from_str(&self.0.trace_id).unwrap_or(HeaderValue::from_static(""))
    }

    /// The correlation id.
    pub fn correlation_id(&self) -> &str {
        self.0.correlation_id.to_str().unwrap_or_default()
    }

    /// The trace context to hand on.
    pub fn traceparent(&self) -> Option<&str> {
        self.0.traceparent.as_deref()
    }

    /// The trace's id, for people to quote.
    pub fn trace_id(&self) -> &str {
        &self.0.trace_id
    }

    /// What goes along with a message.
    pub fn carried(&self) -> Carried {
        Carried {
            correlation_id: Some(self.correlation_id().to_owned()),
            traceparent: self.0.traceparent.clone(),
            ..Carried::default()
        }
    }

    pub fn note_identity(&self, identity: &Identity) {
        let _ = self.0.identity.set(identity.clone());
    }

    pub fn note_action(&self, action: &'static str) {
        let _ = self.0.action.set(action);
    }

    pub fn note_digest(&self, digest: RequestDigest) {
        let _ = self.0.digest.set(digest);
    }

    pub fn note_proof(&self, proof: Proof) {
        let _ = self.0.proof.set(proof);
    }

    pub fn note_tenant(&self, tenant: TenantId) {
        let _ = self.0.tenant.set(tenant);
    }

    pub fn note_operation(&self, operation: OperationId) {
        let _ = self.0.operation.set(operation);
    }

    /// Notes what the request is about, in the words of whoever asks: as much of it as a person needs to recognise it.
    pub fn note_named(&self, text: &str) {
        let legible: String = text.chars().filter(|c| !c.is_control()).take(MAX_NAMED).collect();
        if !legible.is_empty() {
            let _ = self.0.named.set(legible);
        }
    }

    pub fn note_limit(&self, limit: LimitStatus) {
        let _ = self.0.limits[limit.policy as usize].set(limit);
    }

    pub fn limit(&self, policy: Policy) -> Option<&LimitStatus> {
        self.0.limits[policy as usize].get()
    }

    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.get()
    }

    pub fn action(&self) -> Option<&'static str> {
        self.0.action.get().copied()
    }

    pub fn digest(&self) -> Option<&RequestDigest> {
        self.0.digest.get()
    }

    /// The signature of a command, once it is found to fit.
    pub fn proof(&self) -> Option<&Proof> {
        self.0.proof.get()
    }

    pub fn tenant(&self) -> Option<TenantId> {
        self.0.tenant.get().copied()
    }

    pub fn named(&self) -> Option<&str> {
        self.0.named.get().map(String::as_str)
    }

    pub fn operation(&self) -> Option<OperationId> {
        self.0.operation.get().copied()
    }
}

/// The caller's trace context, if there is one.
pub fn incoming_traceparent(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    telemetry::read_traceparent(value.to_str().ok()?)
}

/// Taken as given when it is short and printable, so that it can stand in headers, rows and logs; otherwise made anew.
fn correlation_id(headers: &HeaderMap) -> HeaderValue {
    let usable = |value: &&HeaderValue| {
        (1..=MAX_CORRELATION).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    let made = || HeaderValue::from_str(&random_hex()).unwrap_or(HeaderValue::from_static("none"));
    headers.get(CORRELATION).filter(usable).cloned().unwrap_or_else(made)
}

/// 32 hexadecimal digits that nobody used before.
fn random_hex() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_printable_correlation_id_is_kept_and_anything_else_replaced() {
        let kept =
            |value: &str| Exchange::begin(&headers("x-correlation-id", value)).correlation_id() == value;
        assert!(kept("order-42/a"));
        for bad in ["", "two words", "t\tab", &"x".repeat(129)] {
            assert!(!kept(bad), "{bad:?}");
        }
    }

    #[test]
    fn what_is_named_is_kept_as_far_as_it_is_legible() {
        for (given, kept) in [("acme", Some("acme")), ("a\0b\nc", Some("abc")), ("", None), ("\0", None)] {
            let exchange = Exchange::begin(&HeaderMap::new());
            exchange.note_named(given);
            assert_eq!(exchange.named(), kept, "{given:?}");
        }
        let exchange = Exchange::begin(&HeaderMap::new());
        exchange.note_named(&"ü".repeat(1_000));
        assert_eq!(exchange.named().map(|kept| kept.chars().count()), Some(MAX_NAMED));
    }

    #[test]
    fn the_callers_trace_goes_on() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let exchange = Exchange::begin(&headers("traceparent", given));
        assert_eq!(exchange.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(exchange.traceparent(), Some(given));
        let newer = format!("{}-extra", given.replacen("00", "01", 1));
        let exchange = Exchange::begin(&headers("traceparent", &newer));
        assert_eq!(exchange.traceparent(), Some(given), "as much of it as is known");
        for bad in ["", "00-x-y-z", &given.replacen("00", "ff", 1), &format!("{given}-more")] {
            assert_eq!(incoming_traceparent(&headers("traceparent", bad)), None, "{bad:?}");
        }
        let mut twice = headers("traceparent", given);
        twice.append(
            "traceparent",
            HeaderValue::from_static("00-00000000000000000000000000000001-00f067aa0ba902b7-01"),
        );
        assert_eq!(incoming_traceparent(&twice), None, "nobody knows which");
    }
}
