//! Operations on a record in memory, with a virtual clock and seeded faults.
//!
//! The worker, the driving of sagas, leases, journals and the policy are the real code. What they reach is not: the record is in
//! memory, at the far end of links that delay, lose and cut off; sagas act on a simulated outside. Everything happens on one
//! thread in virtual time, and one seed decides about everything, so it happens again in the same way. `docs/simulation.md`
//! says how to see a seed again.

mod faults;
mod link;
mod oracle;
mod outside;
mod plan;
mod platform;
mod process;
mod record;
mod sagas;
mod schedules;
mod sim;
mod storm;
mod tests;
mod trace;

use std::collections::BTreeMap;

use common::id::OperationId;

use crate::{memory::Status, seeds::Violation};
use faults::Fault;
use platform::Platform;

/// What one seed came to.
#[derive(Debug)]
struct Outcome {
    /// The same for the same seed.
    trace: String,
    faults: BTreeMap<Fault, usize>,
    /// How each operation ended, and whether it was a part of another.
    ends: Vec<(bool, Status)>,
}

/// Simulates one seed.
fn simulate(seed: u64) -> Result<Outcome, Violation> {
    // The policy's jitter is drawn from this thread's generator.
    fastrand::seed(seed);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { Platform::new(seed).run().await })
}

/// A short name: ids are numbers here.
fn name(id: OperationId) -> String {
    match id.uuid().as_u128() {
        number if number < 1_000 => format!("op{number}"),
        part => format!("part{:x}", part >> 112),
    }
}
