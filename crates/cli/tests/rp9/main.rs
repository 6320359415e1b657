//! The program itself, against a small stand-in for a gateway.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod backups;
mod blue_green;
mod following;
mod keys;
mod lists;
mod measured;
mod profiles;
mod refusals;
mod restores;
mod retries;
mod shared;
mod support;
mod top;
mod updates;
mod upgrades;
mod usage;
