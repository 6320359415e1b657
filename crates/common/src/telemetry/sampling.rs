//! Which traces are told: all but those of questions that machines ask again and again.

use opentelemetry::{
    Context, KeyValue, TraceId, Value,
    trace::{Link, SpanKind, TraceContextExt, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// The field of a span that nobody will look for.
const POLLED: &str = "otel.polled";

/// As whoever asks has decided, and where nobody has, unless it is polled.
pub fn worth_telling() -> Sampler {
    Sampler::ParentBased(Box::new(UnlessPolled))
}

#[derive(Debug, Clone)]
struct UnlessPolled;

impl ShouldSample for UnlessPolled {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let polled =
            attributes.iter().any(|field| field.key.as_str() == POLLED && field.value == Value::Bool(true));
        let decision = if polled { SamplingDecision::Drop } else { SamplingDecision::RecordAndSample };
        let trace_state = parent
            .map_or_else(TraceState::default, |parent| parent.span().span_context().trace_state().clone());
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags};

    use super::*;

    fn is_told(parent: Option<TraceFlags>, polled: bool) -> bool {
        let parent = parent.map(|flags| {
            let context =
                SpanContext::new(TraceId::from(1), SpanId::from(1), flags, true, TraceState::default());
            Context::new().with_remote_span_context(context)
        });
        let attributes = [KeyValue::new(POLLED, polled)];
        let sampled = worth_telling().should_sample(
            parent.as_ref(),
            TraceId::from(1),
            "GET /healthz",
            &SpanKind::Server,
            &attributes,
            &[],
        );
        sampled.decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn what_is_polled_is_not_told_unless_somebody_asks_for_it() {
        assert!(is_told(None, false));
        assert!(!is_told(None, true));
        assert!(is_told(Some(TraceFlags::SAMPLED), true));
        assert!(!is_told(Some(TraceFlags::default()), false));
    }
}
