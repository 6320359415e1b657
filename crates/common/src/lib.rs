//! What every service shares: ids, configuration, errors, the database, the bus, operations, secrets,
//! telemetry and the skeleton of a service.
//!
//! A module is here because two crates use it and it needs no vendor's SDK; adapters for outside systems
//! (containers, n8n, the edge) are crates of their own above this one.

pub mod bus;
pub mod clock;
pub mod config;
pub mod database;
pub mod error;
pub mod id;
pub mod operations;
pub mod secrets;
pub mod service;
pub mod telemetry;
pub mod tenant;
mod text;
