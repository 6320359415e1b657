//! The whole edge: a real Traefik with the deployment's own configuration, the relay's process, and around them a gateway and
//! instances that do what they are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bounds;
mod crowds;
mod gate;
mod memory;
mod shared;
mod starting;
mod support;
mod tls;
