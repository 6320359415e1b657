//! Water marks: when too much waits, nothing more is accepted until enough of it is done. Refusing early keeps every
//! operation that was accepted within its deadline.

use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use common::{
    config::Env,
    service::{Interval, Tasks},
};
use sqlx::PgPool;

use crate::{
    metrics,
    problem::{Code, Problem},
    store::operations,
};

/// Between two looks no gateway can accept more than a few thousand operations.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Some hours of work for one provisioner.
const BACKLOG_HIGH: u32 = 10_000;

/// Reads above how many waiting operations no more are accepted.
pub fn backlog_high(env: &mut Env) -> Option<u32> {
    env.or("BACKLOG_HIGH", BACKLOG_HIGH)
}

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

    /// Looks until the process stops. While the record does not answer, nothing changes: accepting needs it anyway.
    pub fn watch(self: &Arc<Self>, tasks: &Tasks, database: &PgPool) {
        let looking = (Arc::clone(self), database.clone());
        let looks = Interval::new("pressure", LOOK_EVERY).spread().failing("nobody knows how many wait");
        tasks.every(looks, move || {
            let (pressure, database) = looking.clone();
            async move {
                // No further than needed to know.
                pressure.note(operations::waiting(&database, pressure.high + 1).await?);
                Ok::<_, sqlx::Error>(())
            }
        });
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
