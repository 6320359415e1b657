#![doc = include_str!("../README.md")]

mod capacity;
mod check;
mod containers;
pub mod docker;
mod error;
mod exec;
mod hash;
mod logs;
mod network_rules;
mod observed;
mod ownership;
mod plan;
mod selection;
mod spec;
mod usage;

#[cfg(feature = "fake")]
pub mod contract;
#[cfg(feature = "fake")]
pub mod fake;

pub use capacity::Capacity;
pub use common::cluster::{ClusterId, ClusterIdError};
pub use containers::Containers;
pub use error::ContainerError;
pub use exec::{Exec, Executed};
pub use hash::SpecHash;
pub use logs::{LogLine, LogQuery, LogStream, Logs};
pub use observed::{
    Event, Finished, Health, Inventory, NetworkObserved, News, Object, Observed, State, VolumeObserved,
};
pub use ownership::{Ownership, Role, label};
pub use selection::Selection;
pub use spec::{
    ContainerRef, ContainerSpec, HealthCheck, Limits, NetworkRef, NetworkSpec, RestartPolicy, SECRETS_DIR,
    SecretFile, TENANT_UID, Tmpfs,
};
pub use usage::Usage;
