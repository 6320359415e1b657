//! Water marks: when too much waits, nothing more is accepted until enough of it is done. Refusing early keeps every
//! operation that was accepted within its deadline.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use common::service::Interval;

use crate::{
    app::App,
    metrics,
    problem::{Code, Problem},
    store::operations,
};

/// Between two looks no gateway can accept more than a few thousand operations.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether operations are accepted, with hysteresis so that it does not change with every operation that ends.
#[derive(Debug)]
pub struct Pressure {
    high: i64,
    low: i64,
    closed: AtomicBool,
}

impl Pressure {
    /// Closes when more than `high` operations wait, and opens again when four fifths of that are left.
    pub fn new(high: u32) -> Self {
        let high = i64::from(high);
        Self { high, low: high * 4 / 5, closed: AtomicBool::new(false) }
    }

    /// Refuses while too much waits.
    pub fn admit(&self) -> Result<(), Problem> {
        if self.closed.load(Ordering::Relaxed) { Err(Problem::new(Code::Overloaded)) } else { Ok(()) }
    }

    /// Takes how many operations wait.
    fn note(&self, waiting: i64) {
        let was_closed = self.closed.load(Ordering::Relaxed);
        let mark = if was_closed { self.low } else { self.high };
        let closed = waiting > mark;
        self.closed.store(closed, Ordering::Relaxed);
        metrics::backlog(waiting, !closed);
        if closed != was_closed {
            tracing::warn!(waiting, closed, "operations are accepted, or not, by how many wait");
        }
    }
}

/// Looks until the process stops. While the record does not answer, nothing changes: accepting needs it anyway.
pub fn watch(app: &App) {
    let looking = app.clone();
    app.tasks.every(
        Interval::new("pressure", LOOK_EVERY).spread().failing("nobody knows how many wait"),
        move || {
            let app = looking.clone();
            async move {
                // No further than needed to know.
                let waiting = operations::waiting(&app.database, app.pressure.high + 1).await?;
                app.pressure.note(waiting);
                Ok::<_, sqlx::Error>(())
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_above_the_high_mark_and_opens_below_the_low_one() {
        let pressure = Pressure::new(10);
        let open = |waiting| {
            pressure.note(waiting);
            pressure.admit().is_ok()
        };
        let opened: Vec<_> = [0, 10, 11, 10, 9, 8, 10, 11].into_iter().map(open).collect();
        assert_eq!(opened, [true, true, false, false, false, true, true, false]);
    }
}
