//! What Prometheus learns of schedules. By their jobs: of those there are a few, and a schedule for each tenant.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const FIRINGS: &str = "rp9_schedule_firings_total";
const LATENESS: &str = "rp9_schedule_lateness_seconds";
const DURATION: &str = "rp9_schedule_firing_duration_seconds";

pub(super) fn describe() {
    describe_counter!(
        FIRINGS,
        "Firings by job and result: done, failed (for good), retried, passed_over (missed and not caught up)."
    );
    describe_histogram!(LATENESS, Unit::Seconds, "From when a firing was to begin to when it did.");
    describe_histogram!(DURATION, Unit::Seconds, "How long one attempt of a firing took.");
}

/// Something became of so many firings.
pub(super) fn firings(job: &str, result: &'static str, count: u64) {
    counter!(FIRINGS, "job" => job.to_owned(), "result" => result).increment(count);
}

pub(super) fn lateness(job: &str, late: Duration) {
    histogram!(LATENESS, "job" => job.to_owned()).record(late.as_secs_f64());
}

pub(super) fn took(job: &str, duration: Duration) {
    histogram!(DURATION, "job" => job.to_owned()).record(duration.as_secs_f64());
}
