#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends here"
)]

pub mod edge;
pub mod effort;
pub mod kinds;
pub mod memory;
pub mod portal;
pub mod ports;
pub mod process;
pub mod saga;
pub mod seeds;
pub mod services;
pub mod settings;
#[cfg(test)]
mod simulation;
