#![doc = include_str!("../README.md")]

mod event;
mod initial_login;
mod operation_queued;

/// What prost made of `proto/`.
mod proto {
    #![allow(clippy::all, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/rp9.v1.rs"));
}

pub use event::{EVENTS, Event};
pub use initial_login::{AskInitialLogin, InitialLogin};
pub use operation_queued::{COMMANDS, OperationQueued, PROVISIONER_COMMANDS, Priority};
