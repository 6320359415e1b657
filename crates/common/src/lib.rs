#![doc = include_str!("../README.md")]

pub mod audit;
pub mod backoff;
pub mod bus;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod database;
pub mod dead_letters;
pub mod error;
pub mod host;
pub mod id;
pub mod operations;
pub mod public_address;
pub mod role;
pub mod schedules;
pub mod secrets;
pub mod service;
pub mod telemetry;
pub mod tenant;
mod text;
pub mod version;
