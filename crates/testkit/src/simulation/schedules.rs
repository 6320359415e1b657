//! Schedules on a record in memory, with a virtual clock and seeded faults.
//!
//! The runner, its attempts, decisions and declarations are the real code. What they reach is not: the record is in memory, at the
//! far end of links that delay, lose and cut off; jobs act on a simulated outside. Waking hours take minutes: between them
//! nobody is there, and the server's clock moves on by hours or days.

mod calendar;
mod job;
mod oracle;
mod outside;
mod plan;
mod platform;
mod record;
mod sim;
mod storm;
mod tests;

use std::collections::BTreeMap;

use crate::{memory::schedules::Key, seeds::Violation};
use oracle::Seen;
use platform::Platform;

use super::faults::Fault;

/// What one seed came to.
#[derive(Debug)]
struct Outcome {
    /// The same for the same seed.
    trace: String,
    faults: BTreeMap<Fault, usize>,
    seen: BTreeMap<Seen, usize>,
}

/// Simulates one seed.
fn simulate(seed: u64) -> Result<Outcome, Violation> {
    // The policy's jitter is drawn from this thread's generator.
    fastrand::seed(seed);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { Platform::new(seed).run().await })
}

/// A short name for a firing.
fn name((schedule, due_at): &Key) -> String {
    format!("{schedule}@{}T{}Z", due_at.date(), due_at.time())
}
