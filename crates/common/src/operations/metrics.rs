//! What Prometheus learns of operations.

use std::time::{Duration, Instant};

use metrics::{counter, histogram};

use super::{Claimed, End, OperationKind};

/// Measures one attempt at a step: `rp9_operation_step_duration_seconds` and `rp9_operation_steps_total{outcome}`, each by direction.
pub(super) struct StepTimer {
    kind: &'static OperationKind,
    step: &'static str,
    direction: &'static str,
    begun: Instant,
}

/// An attempt at doing it begins.
pub(super) fn run(kind: &'static OperationKind, step: &'static str) -> StepTimer {
    StepTimer { kind, step, direction: "run", begun: Instant::now() }
}

/// An attempt at undoing it begins.
pub(super) fn undo(kind: &'static OperationKind, step: &'static str) -> StepTimer {
    StepTimer { kind, step, direction: "undo", begun: Instant::now() }
}

impl StepTimer {
    pub(super) fn ended(self, outcome: &'static str) {
        let labels = [("kind", self.kind.as_str()), ("step", self.step), ("direction", self.direction)];
        histogram!("rp9_operation_step_duration_seconds", &labels).record(self.begun.elapsed().as_secs_f64());
        let [kind, step, direction] = labels;
        counter!("rp9_operation_steps_total", &[kind, step, direction, ("outcome", outcome)]).increment(1);
    }
}

/// From acceptance, or the window that was waited for, to the first time anybody begins: `rp9_operation_start_delay_seconds`.
pub(super) fn claimed(claimed: &Claimed) {
    if claimed.fresh {
        histogram!("rp9_operation_start_delay_seconds", "kind" => claimed.kind.as_str())
            .record(claimed.age.as_secs_f64());
    }
}

/// The same to the end: `rp9_operation_duration_seconds` and `rp9_operations_total{outcome}`.
pub(super) fn ended(claimed: &Claimed, end: End, driven: Duration) {
    let (kind, outcome) = (claimed.kind.as_str(), end.as_str());
    counter!("rp9_operations_total", "kind" => kind, "outcome" => outcome).increment(1);
    histogram!("rp9_operation_duration_seconds", "kind" => kind).record((claimed.age + driven).as_secs_f64());
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::operations::lease::tests::KIND;

    #[test]
    fn doing_and_undoing_a_step_are_told_apart() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            run(&KIND, "route").ended("failed");
            undo(&KIND, "route").ended("succeeded");
        });
        let told = recorder.handle().render();
        for (direction, outcome) in [("run", "failed"), ("undo", "succeeded")] {
            let labels = format!("step=\"route\",direction=\"{direction}\",outcome=\"{outcome}\"");
            assert!(told.contains(&labels), "{told}");
        }
    }
}
