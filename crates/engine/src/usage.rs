//! What containers use.

use std::time::Duration;

use time::OffsetDateTime;

use crate::ownership::Ownership;

/// What one container that runs uses, as its cgroup counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub name: String,
    pub owner: Ownership,
    /// When that was, by the engine's clock. Two of these make a rate.
    pub at: OffsetDateTime,
    /// Processor time since the container was last started.
    pub cpu: Duration,
    /// In bytes, without page cache: that is given back as soon as anything needs it, and a container that has read files would seem to be
    /// at its limit. What it keeps in memory as files (tmpfs) is in it.
    pub memory: u64,
}
