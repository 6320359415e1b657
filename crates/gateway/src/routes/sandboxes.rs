//! `/sandboxes`: tenants' backups, restored beside them.

pub mod delete;
pub mod list;
