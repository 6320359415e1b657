//! Containers that run once.

use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{LogsOptions, WaitContainerOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use secrecy::ExposeSecret;

use super::Docker;
use super::call::malformed;
use super::exit::Joinable;
use super::observe::{found, observed};
use crate::error::ContainerError;
use crate::hash::SpecHash;
use crate::observed::Finished;
use crate::plan::{self, RunWay};
use crate::spec::{ContainerSpec, SecretFile};

/// Enough for the message and the stack trace a migration dies with.
const TAIL_LINES: &str = "100";
const TAIL_BYTES: usize = 16 * 1024;

impl Docker {
    pub(super) async fn run_to_end(
        &self,
        spec: &ContainerSpec,
        timeout: Duration,
    ) -> Result<Finished, ContainerError> {
        let network = self.joinable(spec).await?;
        let seen = self.inspect(&spec.name).await?;
        let found = seen.as_ref().map(|seen| found(seen, &spec.network, &network.id));
        let way = plan::run_once(spec, found.as_ref())?;
        // From here on the name is ours, so whatever happens, nothing of ours may be left under it.
        let end = self.run_and_hear(spec, &network, way, seen.as_ref(), timeout).await;
        let removed = self.discard_run(spec).await;
        let finished = end?;
        removed?;
        Ok(finished)
    }

    async fn run_and_hear(
        &self,
        spec: &ContainerSpec,
        network: &Joinable,
        way: RunWay,
        seen: Option<&ContainerInspectResponse>,
        timeout: Duration,
    ) -> Result<Finished, ContainerError> {
        match way {
            RunWay::Create => self.create_and_start(spec, network).await?,
            RunWay::Replace => {
                self.take_down(&spec.reference(), seen).await?;
                self.create_and_start(spec, network).await?;
            }
            RunWay::Finish => self.finish(&spec.name, spec).await?,
            RunWay::Join | RunWay::Believe => {}
        }
        let exit_code = match tokio::time::timeout(timeout, self.exit_code(&spec.name)).await {
            Ok(code) => code?,
            Err(_) => {
                return Err(ContainerError::Timeout { call: "run once", after_ms: timeout.as_millis() });
            }
        };
        let logs_tail = blot_out(self.logs_tail(&spec.name).await?, &spec.secrets);
        Ok(Finished { exit_code, logs_tail })
    }

    /// Waits until the container does not run any more.
    async fn exit_code(&self, name: &str) -> Result<i64, ContainerError> {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        // What the wait itself says is not used: an exit code other than zero comes as an error of the client.
        let _ = self.api.wait_container(name, Some(options)).next().await;
        let seen = self.inspect(name).await?;
        let Some(state) = seen.and_then(|seen| seen.state) else {
            return Err(ContainerError::NotFound { object: name.to_owned() });
        };
        if state.running == Some(true) {
            return Err(malformed("wait for container", "an end"));
        }
        state.exit_code.ok_or_else(|| malformed("inspect container", "an exit code"))
    }

    async fn logs_tail(&self, name: &str) -> Result<String, ContainerError> {
        let options =
            LogsOptions { stdout: true, stderr: true, tail: TAIL_LINES.to_owned(), ..Default::default() };
        let pieces = self.api.logs(name, Some(options));
        let all = pieces.try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece.into_bytes());
            Ok(all)
        });
        let all = self.call("read logs", all).await?;
        let tail = all.get(all.len().saturating_sub(TAIL_BYTES)..).unwrap_or_default();
        Ok(String::from_utf8_lossy(tail).into_owned())
    }

    /// Removes the run, but not what somebody else may have put under its name meanwhile.
    async fn discard_run(&self, spec: &ContainerSpec) -> Result<(), ContainerError> {
        if let Some(seen) = self.inspect(&spec.name).await? {
            if observed(&seen).is_none_or(|there| there.spec != SpecHash::of(spec)) {
                return Ok(());
            }
            let id = seen.id.as_deref().ok_or_else(|| malformed("inspect container", "an id"))?;
            self.discard(id).await?;
        }
        self.remove_volume(&spec.reference()).await
    }
}

/// Programs write into their logs what they please.
fn blot_out(logs: String, secrets: &[SecretFile]) -> String {
    let contents = secrets.iter().map(|file| file.content.expose_secret().trim());
    contents.filter(|secret| !secret.is_empty()).fold(logs, |logs, secret| logs.replace(secret, "[secret]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contents_of_secret_files_do_not_leave_in_logs() {
        let file = SecretFile { path: "/run/secrets/a".into(), content: "s3cret\n".into(), mode: 0o400 };
        let empty = SecretFile { path: "/run/secrets/b".into(), content: "".into(), mode: 0o400 };
        assert_eq!(blot_out("password=s3cret;".into(), &[empty, file]), "password=[secret];");
    }
}
