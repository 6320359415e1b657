//! The document and the probe against a real Traefik.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod attacks;
mod calls;
mod external;
mod formerly;
mod inner;
mod own;
mod readings;
mod shared;
mod support;
