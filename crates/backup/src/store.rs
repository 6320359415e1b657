//! The record's rows.

pub mod backups;
pub mod kept;
pub mod nights;
pub mod tenants;
