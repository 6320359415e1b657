//! The program, as a shell would start it: with nothing of this process's environment.

use std::{path::Path, process::Stdio};

use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use super::{Gateway, HMAC_SECRET, JWT_SECRET, Terminal};

/// A command line before it is run.
pub struct Rp9(Command);

/// What it came to.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Rp9 {
    /// Without any environment but these.
    pub fn alone(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rp9"));
        command.args(arguments).env_clear().env("HOME", "/nowhere").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// By the environment's keys, at this gateway.
    pub fn at(gateway: &Gateway, arguments: &[&str]) -> Self {
        let keys = [("RP9_JWT_SECRET", JWT_SECRET), ("RP9_HMAC_SECRET", HMAC_SECRET), ("RP9_SUBJECT", "ada")];
        let program = Self::alone(arguments).variable("RP9_URL", &gateway.url());
        keys.into_iter().fold(program, |program, (name, value)| program.variable(name, value))
    }

    /// With this variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// With its profiles in this file.
    pub fn configured(self, file: &Path) -> Self {
        self.variable("RP9_CONFIG", file.to_str().unwrap())
    }

    /// Runs it to its end.
    pub async fn run(self) -> Ended {
        Ended::of(self.start()).await
    }

    /// The same with this on its standard input.
    pub async fn reading(mut self, text: &str) -> Ended {
        self.0.stdin(Stdio::piped());
        let mut child = self.start();
        // It may have ended without reading.
        drop(child.stdin.take().unwrap().write_all(text.as_bytes()).await);
        Ended::of(child).await
    }

    /// The same on this terminal.
    pub fn start_on(mut self, terminal: &Terminal) -> Child {
        self.0.stdin(terminal.side()).stdout(terminal.side()).stderr(terminal.side());
        self.start()
    }

    /// Starts it.
    pub fn start(mut self) -> Child {
        self.0.spawn().unwrap()
    }
}

impl Ended {
    /// Waits for it.
    pub async fn of(child: Child) -> Self {
        let output = child.wait_with_output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        for secret in [JWT_SECRET, HMAC_SECRET] {
            assert!(!out.contains(secret) && !err.contains(secret), "a secret was printed");
        }
        Self { code: output.status.code().unwrap_or(-1), out, err }
    }

    /// Checks how it ended.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}
