//! Owners see their own rows and change none, on a real Postgres, by trying.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod catalog;
mod owners;
mod roles;
mod support;
mod tables;
mod turns;
