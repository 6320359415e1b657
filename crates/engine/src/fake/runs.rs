//! How containers that run once, and programs in containers, end in the fake.

use std::sync::Arc;

use super::state::State;
use crate::exec::{Exec, Executed, Output};
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

impl State {
    /// By default programs succeed and say nothing.
    pub(super) fn exec(&self, container: &str, exec: &Exec) -> Option<Executed> {
        let spec = self.containers.get(container).and_then(|container| container.spec.as_ref());
        let end = match (&self.execs, spec) {
            (Some(execs), Some(spec)) => execs(spec, &exec.argv)?,
            (None, _) | (_, None) => Executed::default(),
        };
        let mut output = Output::within(exec.bytes);
        output.stdout(&end.stdout);
        output.stderr(&end.stderr);
        Some(output.ended(end.exit_code))
    }
}
