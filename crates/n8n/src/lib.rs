#![doc = include_str!("../README.md")]

pub mod account;
pub mod copies;
pub mod credentials;
pub mod databases;
pub mod drill;
pub mod executions;
#[cfg(feature = "fake")]
pub mod fake;
pub mod hooks;
pub mod launch;
pub mod members;
pub mod probe;
pub mod queues;
pub mod schema;
pub mod servers;

pub use common::version::Version;
pub use databases::TenantDatabases;
pub use executions::Executions;
pub use members::Members;
pub use queues::TenantQueues;
pub use servers::{AdminUrls, Servers};
