//! The W3C trace context (`traceparent`), read from and written to whatever carries work between processes.
//!
//! Read here, not by the library's `TraceContextPropagator`: that one takes ids and flags of any length, and what follows them with a hyphen
//! and nothing else, and so would hand on what the next service refuses.

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
    written(&current())
}

fn written(context: &SpanContext) -> Option<String> {
    context.is_valid().then(|| {
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
    })
}

/// The trace context of this span, to send along.
pub fn traceparent_of(span: &Span) -> Option<String> {
    written(span.context().span().span_context())
}

/// The current trace's id, for people to quote.
pub fn trace_id() -> Option<String> {
    let context = current();
    context.is_valid().then(|| context.trace_id().to_string())
}

fn current() -> SpanContext {
    Span::current().context().span().span_context().clone()
}

/// A trace context of any version as this one writes it, `00-<32 hex>-<16 hex>-<2 hex>` (W3C Trace Context §3.2). What a newer version adds at
/// its end is left out (§4.3): nobody can hand on what they do not know.
pub fn read_traceparent(text: &str) -> Option<String> {
    let (version, rest) = text.trim().split_once('-')?;
    let (known, added) = rest.split_at_checked(KNOWN)?;
    let readable = match version {
        "00" => added.is_empty(),
        "ff" => false,
        version => is_hex(version, 2) && (added.is_empty() || added.starts_with('-')),
    };
    let context = format!("00-{known}");
    (readable && parse(&context).is_some()).then_some(context)
}

/// The id of the trace that this context, as [`read_traceparent`] gives it, is of.
pub fn trace_id_of(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

/// Trace, span and flags, with the hyphens between them.
const KNOWN: usize = 32 + 1 + 16 + 1 + 2;

/// Lower-case digits, as the standard wants them; the library takes others.
fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn parse(text: &str) -> Option<SpanContext> {
    let [version, trace, span, flags] = *text.split('-').collect::<Vec<_>>() else { return None };
    let well_formed = version == "00" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok().filter(|_| well_formed)?,
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

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_standard_context_is_read_and_anything_else_is_not() {
        assert!(parse(GOOD).is_some_and(|c| c.is_sampled() && c.is_remote()));
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        for bad in ["", "00", zero_trace, &GOOD[1..], &format!("{GOOD}-x"), &GOOD.replace("4bf", "zzz")] {
            assert!(parse(bad).is_none(), "{bad:?}");
            assert_eq!(read_traceparent(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn of_a_newer_version_what_is_known_is_read() {
        let newer = GOOD.replacen("00", "01", 1);
        for known in
            [GOOD, &newer, &format!("{newer}-extra"), &format!("{newer}-"), &GOOD.replacen("00", "cc", 1)]
        {
            assert_eq!(read_traceparent(known).as_deref(), Some(GOOD), "{known}");
        }
        let bad = [
            GOOD.replacen("00", "ff", 1),
            GOOD.replace("4bf9", "4BF9"),
            GOOD.replacen("00", "0A", 1),
            format!("{newer}more"),
            newer[..54].to_owned(),
            newer.replacen("01", "1", 1),
            format!("{}\u{e9}", &newer[..54]),
        ];
        for text in bad {
            assert_eq!(read_traceparent(&text), None, "{text:?}");
        }
    }
}
