//! Running a program in a container, and asking where a container is.

use std::net::Ipv4Addr;

use bollard::container::LogOutput;
use bollard::errors::Error as Fault;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures::TryStreamExt as _;

use super::Docker;
use super::call::malformed;
use super::observe::observed;
use super::observe::owner;
use crate::error::ContainerError;
use crate::exec::{Exec, Executed, Output};
use crate::observed::{Observed, State};
use crate::plan;
use crate::spec::ContainerRef;

impl Docker {
    pub(super) async fn run_inside(
        &self,
        container: &ContainerRef,
        exec: &Exec,
    ) -> Result<Executed, ContainerError> {
        self.running(container).await?;
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            privileged: Some(false),
            cmd: Some(exec.argv.clone()),
            ..Default::default()
        };
        let made = self.call("prepare a program", self.api.create_exec(&container.name, options)).await?;
        let heard = self.call_within(exec.within, "run a program", self.hear(&made.id, exec.bytes));
        let output = heard.await?;
        let ended = self.call("ask how a program ended", self.api.inspect_exec(&made.id)).await?;
        // The engine closes the connection when the program ends, or when it loses sight of it.
        match ended.exit_code.filter(|_| ended.running != Some(true)) {
            Some(code) => Ok(output.ended(code)),
            None => Err(malformed("ask how a program ended", "an exit code")),
        }
    }

    /// Starts it and reads what it writes, to the end.
    async fn hear(&self, exec: &str, bytes: usize) -> Result<Output, Fault> {
        let options = StartExecOptions { detach: false, ..Default::default() };
        let StartExecResults::Attached { output, .. } = self.api.start_exec(exec, Some(options)).await?
        else {
            return Ok(Output::within(0));
        };
        let heard = output.try_fold(Output::within(bytes), |mut heard, piece| async move {
            match piece {
                LogOutput::StdErr { message } => heard.stderr(&message),
                LogOutput::StdOut { message }
                | LogOutput::StdIn { message }
                | LogOutput::Console { message } => heard.stdout(&message),
            }
            Ok(heard)
        });
        heard.await
    }

    pub(super) async fn address_of(&self, container: &ContainerRef) -> Result<Ipv4Addr, ContainerError> {
        let seen = self.running(container).await?;
        seen.address.ok_or_else(|| malformed("inspect container", "an address"))
    }

    /// The container, which must be its owner's and run.
    async fn running(&self, container: &ContainerRef) -> Result<Observed, ContainerError> {
        let Some(seen) = self.inspect(&container.name).await? else {
            return Err(ContainerError::NotFound { object: container.name.clone() });
        };
        plan::touch(container, owner(&seen).as_ref())?;
        let seen = observed(&seen).filter(|seen| seen.state == State::Running);
        seen.ok_or_else(|| ContainerError::NotRunning { container: container.name.clone() })
    }
}
