#![doc = include_str!("../README.md")]

mod event;
mod initial_login;
pub mod kinds;
mod logs;
mod provisioner_command;
mod reset_login;
pub mod sizing;
mod submit_operation;

/// What prost made of `proto/`.
mod proto {
    #![allow(clippy::all, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/rp9.v1.rs"));
}

pub use event::{EVENTS, Event};
pub use initial_login::{AskInitialLogin, InitialLogin};
pub use logs::{AskLogs, LogLine, LoggedRole, Logs, MOST_LINES, MOST_TEXT};
pub use provisioner_command::{COMMANDS, OperationQueued, Order, PROVISIONER, ProvisionerCommand};
pub use reset_login::ResetLogin;
pub use submit_operation::SubmitOperation;
