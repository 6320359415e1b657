#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends here"
)]

pub mod memory;
pub mod saga;
pub mod seeds;
#[cfg(test)]
mod simulation;
