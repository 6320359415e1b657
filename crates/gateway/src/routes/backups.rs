//! `/backups`

pub mod contents;
pub mod extract;
pub mod show;
pub mod steer;
