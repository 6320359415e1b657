//! PostgreSQL's own programs.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _},
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use bytes::Bytes;
use common::error::{Classify, Kind, scrub};
use futures::{StreamExt as _, stream};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::{Child, Command};
use tokio_util::io::{ReaderStream, StreamReader};
use url::Url;

use super::{CopyError, Stream};
use crate::databases::Name;

/// How much of what a program complained of is told.
const TOLD: usize = 2_000;

/// Why one of them did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("{program} cannot be started")]
    Start { program: &'static str, source: io::Error },
    /// `detail` is what it complained of.
    #[error("{program} ended with {status}: {detail}")]
    Failed { program: &'static str, status: ExitStatus, detail: String },
    #[error("{program} cannot be heard")]
    Heard { program: &'static str, source: io::Error },
}

impl Classify for ProgramError {
    fn kind(&self) -> Kind {
        match self {
            Self::Start { .. } => Kind::Internal,
            // The server went away, a lock was not to be had, the disk is full: what passes looks like what does not.
            Self::Failed { .. } | Self::Heard { .. } => Kind::Upstream,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Start { .. } => {
                Some("Look at the service's image: PostgreSQL's programs have to be in its PATH.")
            }
            Self::Failed { .. } | Self::Heard { .. } => None,
        }
    }
}

/// How the programs find the server: by their environment, which nobody but this user sees, and not by arguments, which everybody does.
#[derive(Clone)]
pub struct Programs {
    folder: Option<PathBuf>,
    environment: BTreeMap<&'static str, SecretString>,
}

impl Programs {
    /// Of the server of this URL. `folder`: where the programs are, if not in the PATH.
    pub fn new(admin_url: &SecretString, folder: Option<PathBuf>) -> Option<Self> {
        let url: Url = admin_url.expose_secret().parse().ok()?;
        let text = |part: &str| -> Option<SecretString> {
            let decoded = percent_encoding::percent_decode_str(part).decode_utf8().ok()?;
            Some(decoded.into_owned().into())
        };
        let mut environment = BTreeMap::from([
            ("PGHOST", text(url.host_str()?)?),
            ("PGPORT", url.port().unwrap_or(5432).to_string().into()),
            ("PGUSER", text(url.username())?),
            ("PGPASSWORD", text(url.password().unwrap_or_default())?),
            // A copy takes as long as it takes: its step is what ends it.
            (
                "PGOPTIONS",
                "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0".to_owned().into(),
            ),
            ("PGAPPNAME", "rp9-copies".to_owned().into()),
            ("PGCONNECT_TIMEOUT", "10".to_owned().into()),
        ]);
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "sslmode" => drop(environment.insert("PGSSLMODE", value.into_owned().into())),
                "sslrootcert" => drop(environment.insert("PGSSLROOTCERT", value.into_owned().into())),
                _ => {}
            }
        }
        Some(Self { folder, environment })
    }

    /// The same server, entered with this login.
    pub fn entering_as(&self, user: String, password: SecretString) -> Self {
        let mut environment = self.environment.clone();
        environment.extend([("PGUSER", user.into()), ("PGPASSWORD", password)]);
        Self { folder: self.folder.clone(), environment }
    }

    /// Of no server: for what only reads a dump.
    pub fn of_no_server(folder: Option<PathBuf>) -> Self {
        Self { folder, environment: BTreeMap::new() }
    }

    /// One of them, about to work on this database.
    pub fn program(&self, program: &'static str, database: Option<&Name>) -> Result<Program, ProgramError> {
        let path = self.folder.as_ref().map_or(PathBuf::from(program), |folder| folder.join(program));
        let complaints = tempfile::tempfile().map_err(|source| ProgramError::Start { program, source })?;
        let told = complaints.try_clone().map_err(|source| ProgramError::Start { program, source })?;
        let mut command = Command::new(path);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(told).kill_on_drop(true);
        // To find itself and its libraries.
        #[expect(
            clippy::disallowed_methods,
            reason = "what a program of the system's is started with, and no setting of ours"
        )]
        for name in ["PATH", "LD_LIBRARY_PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for (name, value) in &self.environment {
            command.env(name, value.expose_secret());
        }
        if let Some(database) = database {
            command.env("PGDATABASE", database.to_string());
        }
        Ok(Program { name: program, command, complaints })
    }
}

/// A program that is not started yet.
pub struct Program {
    name: &'static str,
    /// What it is started with. Nothing secret is among its arguments.
    pub command: Command,
    complaints: File,
}

impl Program {
    /// Starts it. What it writes fails at its end unless the program ends well.
    pub fn stream(mut self) -> Result<Stream, ProgramError> {
        let program = self.name;
        let mut child = self.start(|command| command.stdout(Stdio::piped()))?;
        let Some(output) = child.stdout.take() else { return Err(unheard(program)) };
        let end = stream::once(async move { self.end(child).await.err().map(io::Error::other) });
        let end = end.filter_map(async |failed| failed.map(Err::<Bytes, _>));
        Ok(Box::pin(StreamReader::new(Box::pin(ReaderStream::with_capacity(output, 64 << 10).chain(end)))))
    }

    /// Starts one that goes on until it is dropped, or ends by itself.
    pub fn spawn(mut self) -> Result<Running, ProgramError> {
        let child = self.start(|command| command)?;
        Ok(Running { program: self, child })
    }

    /// Starts it on this input, all of which is read even if the program wants less. Returns what it wrote.
    pub async fn feed(mut self, mut input: Stream) -> Result<String, CopyError> {
        let program = self.name;
        let mut child = self.start(|command| command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(unheard(program).into());
        };
        let feeding = async move {
            let fed = tokio::io::copy(&mut input, &mut stdin).await;
            drop(stdin);
            match fed {
                // It has ended, or has read enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    tokio::io::copy(&mut input, &mut tokio::io::sink()).await
                }
                fed => fed,
            }
        };
        let mut written = String::new();
        let listening = tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut written);
        let (fed, heard) = tokio::join!(feeding, listening);
        fed.map_err(CopyError::Source)?;
        heard.map_err(|source| ProgramError::Heard { program, source })?;
        self.end(child).await?;
        Ok(written)
    }

    /// Runs it to its end, and returns what it wrote.
    pub async fn run(self) -> Result<String, CopyError> {
        self.feed(Box::pin(tokio::io::empty())).await
    }

    fn start(&mut self, wire: impl FnOnce(&mut Command) -> &mut Command) -> Result<Child, ProgramError> {
        let program = self.name;
        wire(&mut self.command).spawn().map_err(|source| ProgramError::Start { program, source })
    }

    async fn end(mut self, mut child: Child) -> Result<(), ProgramError> {
        let program = self.name;
        let status = child.wait().await.map_err(|source| ProgramError::Heard { program, source })?;
        if status.success() { Ok(()) } else { Err(self.failed(status)) }
    }

    /// With what it complained of.
    fn failed(&mut self, status: ExitStatus) -> ProgramError {
        let program = self.name;
        let mut told = Vec::new();
        let read =
            self.complaints.rewind().and_then(|()| (&self.complaints).take(64 << 10).read_to_end(&mut told));
        let told = String::from_utf8_lossy(&told);
        let detail =
            read.map_or_else(|error| error.to_string(), |_| told.trim().chars().take(TOLD).collect());
        ProgramError::Failed { program, status, detail: scrub(&detail) }
    }
}

/// One that goes on. It is killed when this is dropped.
pub struct Running {
    program: Program,
    child: Child,
}

impl Running {
    /// Why it has ended, if it has: it was not to.
    pub fn ended(&mut self) -> Option<ProgramError> {
        let program = self.program.name;
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(self.program.failed(status)),
            Err(source) => Some(ProgramError::Heard { program, source }),
        }
    }

    /// What to signal it by, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it, and waits until it has.
    pub async fn kill(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill().await;
    }
}

fn unheard(program: &'static str) -> ProgramError {
    ProgramError::Heard { program, source: io::ErrorKind::BrokenPipe.into() }
}
