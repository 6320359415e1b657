#![doc = include_str!("../README.md")]

pub mod backups;
mod container_usage;
mod count_usage;
mod event;
mod extract;
mod initial_login;
pub mod kinds;
mod line;
mod logs;
mod n8n_versions;
mod provisioner_command;
mod reset_login;
mod sample;
pub mod sides;
pub mod sizing;
mod submit_operation;
mod waking;
mod window;

/// What prost made of `proto/`.
mod proto {
    #![allow(clippy::all, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/rp9.v1.rs"));
}

pub use container_usage::{AskContainerUsage, ContainerUsage};
pub use count_usage::CountUsage;
pub use event::{EVENTS, Event};
pub use extract::{AskContents, AskExtract, BackupContents, Extracted, Kept, Listing, MOST_EXTRACTED};
pub use initial_login::{AskInitialLogin, InitialLogin};
pub use line::disturbs;
pub use logs::{AskLogs, LogLine, LoggedRole, Logs, MOST_LINES, MOST_TEXT};
pub use n8n_versions::N8N_VERSIONS;
pub use provisioner_command::{BACKUP, COMMANDS, OperationQueued, Order, PROVISIONER, ProvisionerCommand};
pub use reset_login::ResetLogin;
pub use sample::{Figures, SAMPLES, Sample};
pub use submit_operation::SubmitOperation;
pub use waking::waking;
pub use window::{Window, WindowError, asked_in, moment};
