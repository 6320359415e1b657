//! What Prometheus learns of operations.

use std::time::{Duration, Instant};

use metrics::{counter, histogram};

use super::{Claimed, End, OperationKind};

/// Measures one run of a step: `rp9_operation_step_duration_seconds` and `rp9_operation_steps_total{outcome}`.
pub(super) struct StepTimer {
    kind: &'static OperationKind,
    step: &'static str,
    begun: Instant,
}

pub(super) fn step(kind: &'static OperationKind, step: &'static str) -> StepTimer {
    StepTimer { kind, step, begun: Instant::now() }
}

impl StepTimer {
    pub(super) fn ended(self, outcome: &'static str) {
        let (kind, step) = (self.kind.as_str(), self.step);
        histogram!("rp9_operation_step_duration_seconds", "kind" => kind, "step" => step)
            .record(self.begun.elapsed().as_secs_f64());
        counter!("rp9_operation_steps_total", "kind" => kind, "step" => step, "outcome" => outcome)
            .increment(1);
    }
}

/// From acceptance to the first time anybody begins: `rp9_operation_start_delay_seconds`.
pub(super) fn claimed(claimed: &Claimed) {
    if claimed.fresh {
        histogram!("rp9_operation_start_delay_seconds", "kind" => claimed.kind.as_str())
            .record(claimed.age.as_secs_f64());
    }
}

/// From acceptance to the end: `rp9_operation_duration_seconds` and `rp9_operations_total{outcome}`.
pub(super) fn ended(claimed: &Claimed, end: End, driven: Duration) {
    let (kind, outcome) = (claimed.kind.as_str(), end.as_str());
    counter!("rp9_operations_total", "kind" => kind, "outcome" => outcome).increment(1);
    histogram!("rp9_operation_duration_seconds", "kind" => kind).record((claimed.age + driven).as_secs_f64());
}
