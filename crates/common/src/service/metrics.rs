//! What Prometheus learns of tasks, whatever they do.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const ROUNDS: &str = "rp9_rounds_total";
const FAILING: &str = "rp9_rounds_failing";
const PANICS: &str = "rp9_panics_total";

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    Failed,
    Panicked,
}

impl Ended {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
        }
    }
}

/// Says what each metric means.
pub(super) fn describe() {
    describe_counter!(ROUNDS, "Rounds of what is done again and again, by task and how they ended.");
    describe_gauge!(FAILING, "1 while the last round of a task did not work, and none that goes on has.");
    describe_counter!(PANICS, "Pieces of work that came to an unexpected end, by task. Each is a mistake.");
}

/// A round ended.
pub(super) fn round(task: &'static str, ended: Ended) {
    counter!(ROUNDS, "task" => task, "result" => ended.as_str()).increment(1);
    gauge!(FAILING, "task" => task).set(f64::from(u8::from(ended != Ended::Done)));
    if ended == Ended::Panicked {
        panicked(task);
    }
}

/// A round goes on, and nothing is in its way.
pub(super) fn works(task: &'static str) {
    gauge!(FAILING, "task" => task).set(0.0);
}

/// A piece of work came to an unexpected end.
pub(crate) fn panicked(task: &'static str) {
    counter!(PANICS, "task" => task).increment(1);
}
