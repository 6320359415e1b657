//! The collector on a real record, in a world of fakes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod called;
mod counted;
mod looked;
mod shared_out;
mod support;
