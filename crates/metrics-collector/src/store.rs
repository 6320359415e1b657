//! What the collector writes into the record.

pub mod measures;
pub mod samples;
pub mod sides;
pub mod usage;
