//! Schedules on a real Postgres: declared, fired once by several replicas, run, paused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod declared;
mod paused;
mod replicas;
mod runs;
mod subjects;
mod support;
