//! `/schedules`

pub mod list;
pub mod steer;
