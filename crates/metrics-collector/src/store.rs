//! What the collector writes into the record.

pub mod samples;
pub mod usage;
