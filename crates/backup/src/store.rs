//! The record's rows.

pub mod backups;
pub mod heartbeat;
pub mod kept;
pub mod nights;
pub mod tenants;
