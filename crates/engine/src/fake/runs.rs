//! How containers that run once, and programs in containers, end in the fake.

use std::sync::Arc;

use crate::exec::Executed;
use crate::spec::ContainerSpec;

/// The end of a container that runs once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// It ends with this code, having written this.
    Exits { code: i64, logs: String },
    /// It never ends. The caller's timeout is over at once.
    Hangs,
}

/// Decides how a container that runs once ends.
pub(super) type Runs = Arc<dyn Fn(&ContainerSpec) -> Run + Send + Sync>;

/// Decides how a program ends: `None` for one that never does. What it writes is cut to its bound.
pub(super) type Execs = Arc<dyn Fn(&ContainerSpec, &[String]) -> Option<Executed> + Send + Sync>;

/// Told of each container that starts, unless it runs once.
pub(super) type Starts = Arc<dyn Fn(&ContainerSpec) + Send + Sync>;
