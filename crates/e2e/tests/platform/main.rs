//! What a platform does, each capability in short, as its customers and operators see it. What takes longer is in `tests/long`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod answers;
mod backups;
mod equal_requests;
mod failovers;
mod host;
mod isolation;
mod lifecycle;
mod measured;
mod outages;
mod promotions;
mod queue;
mod restarts;
mod rp9;
mod secrets;
mod shared;
mod sharing;
mod strangers;
mod traces;
mod upgrades;
