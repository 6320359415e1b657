//! What a trace shows of a message: that it was sent, and that it was handled; and of a question that it was answered. Of one that belongs to no
//! trace nothing is shown: there are many, such as samples, and nobody would look for them.

use tracing::{Instrument, Span};

use super::Carried;
use crate::telemetry;

/// Sends what is carried along, so that whoever handles the message goes on from there.
pub(super) async fn sending<T>(
    name: &'static str,
    carried: &Carried,
    send: impl AsyncFnOnce(&Carried) -> T,
) -> T {
    let Some(cause) = &carried.traceparent else { return send(carried).await };
    let span = span("producer", format!("send {name}"), carried, cause);
    let traceparent = telemetry::traceparent_of(&span).or_else(|| carried.traceparent.clone());
    let carried = Carried { traceparent, ..carried.clone() };
    send(&carried).instrument(span).await
}

/// What a message is handled in.
pub(super) fn handling(name: &'static str, carried: &Carried) -> Span {
    let Some(cause) = &carried.traceparent else { return Span::none() };
    span("consumer", format!("handle {name}"), carried, cause)
}

/// Part of the trace of its cause.
fn span(kind: &'static str, name: String, carried: &Carried, cause: &str) -> Span {
    let span = tracing::info_span!(
        "message",
        otel.name = name,
        otel.kind = kind,
        correlation_id = carried.correlation_id,
        trace_id = telemetry::trace_id_of(cause),
    );
    telemetry::adopt(&span, cause);
    span
}
