//! The W3C trace context (`traceparent`), read from and written to whatever carries work between processes.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes `span` a child of the span that `traceparent` names; what cannot be read is ignored, as the standard asks.
pub fn adopt(span: &Span, traceparent: &str) {
    if let Some(remote) = parse(traceparent) {
        // Fails only when no exporting layer is installed, and then there is nothing to connect.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
    }
}

/// The trace context of the current span, to send along.
pub fn traceparent() -> Option<String> {
    let context = current();
    context.is_valid().then(|| {
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
    })
}

/// The current trace's id, for people to quote.
pub fn trace_id() -> Option<String> {
    let context = current();
    context.is_valid().then(|| context.trace_id().to_string())
}

fn current() -> SpanContext {
    Span::current().context().span().span_context().clone()
}

/// `00-<32 hex>-<16 hex>-<2 hex>` (W3C Trace Context §3.2).
fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "00" || parts.next().is_some() || trace.len() != 32 || span.len() != 16 || flags.len() != 2
    {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_context_is_read_and_anything_else_is_not() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(parse(good).is_some_and(|c| c.is_sampled() && c.is_remote()));
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        for bad in ["", "00", zero_trace, &good[1..], &format!("{good}-x"), &good.replace("4bf", "zzz")] {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }
}
