//! `/backups`

pub mod show;
pub mod steer;
