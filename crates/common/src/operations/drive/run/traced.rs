//! What a trace shows of an attempt at a step: a span of its own, with how it ended.

use tracing::{Instrument, field::Empty};

use super::Ended;
use crate::operations::OperationKind;

/// Which way the operation goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    Run,
    Undo,
}

impl Direction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Undo => "undo",
        }
    }
}

/// Makes the attempt within a span of its own.
pub(super) async fn traced(
    kind: &OperationKind,
    step: &'static str,
    direction: Direction,
    attempt: impl Future<Output = Ended>,
) -> Ended {
    let span = tracing::info_span!(
        "step",
        otel.name = format!("{} {step}", kind.as_str()),
        otel.status_code = Empty,
        otel.outcome = Empty,
        step,
        direction = direction.as_str(),
    );
    let ended = attempt.instrument(span.clone()).await;
    // Not for the log: what is said after the attempt says by itself how it ended.
    span.record("otel.outcome", ended.as_str());
    if matches!(ended, Ended::Failed(_) | Ended::Late | Ended::LeaseLost) {
        span.record("otel.status_code", "ERROR");
    }
    ended
}
