//! The servers that are broken from outside, by the script that started them.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use anyhow::Context;
use tokio::{io::AsyncReadExt, net::TcpStream, process::Command};

use crate::config::Config;

const ASK_EVERY: Duration = Duration::from_millis(20);
const COMES_BACK: Duration = Duration::from_secs(60);

pub struct Servers<'a> {
    script: &'a Path,
    nats: SocketAddr,
}

impl<'a> Servers<'a> {
    pub fn of(config: &'a Config) -> Self {
        Self { script: &config.servers, nats: config.nats }
    }

    /// Does this to one of them.
    pub async fn run(&self, what: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(self.script);
        command.args(what).stdin(Stdio::null()).stdout(Stdio::null());
        let status =
            command.status().await.with_context(|| format!("{} does not run", self.script.display()))?;
        anyhow::ensure!(status.success(), "{} {what:?}: {status}", self.script.display());
        Ok(())
    }

    /// Returns as soon as NATS greets.
    pub async fn await_nats(&self) -> anyhow::Result<()> {
        let greeted = async {
            while !greets(self.nats).await {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        tokio::time::timeout(COMES_BACK, greeted).await.context("NATS does not come back")
    }
}

async fn greets(nats: SocketAddr) -> bool {
    let greeting = async {
        let mut greeting = [0; 4];
        TcpStream::connect(nats).await?.read_exact(&mut greeting).await?;
        std::io::Result::Ok(greeting)
    };
    greeting.await.is_ok_and(|greeting| &greeting == b"INFO")
}
