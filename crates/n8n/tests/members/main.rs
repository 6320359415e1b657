//! The members of a shared n8n: one contract for what simulations use and for the real n8n, and what only the real one can show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../answers/mod.rs"]
mod answers;
mod brought;
mod contract;
mod copied;
mod external;
mod fake;
mod hostile;
mod instance;
mod moved;
mod real;
mod rows;
#[path = "../support/mod.rs"]
mod support;
