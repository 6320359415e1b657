//! A service of its own process, as small as there can be: it tells the secret that it goes by.

use std::{net::SocketAddr, process::Stdio, sync::Arc};

use axum::{Router, routing::get};
use common::{
    config::{Env, Section},
    service::{Process, process},
};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::watch,
};

use crate::eventually;

struct Config {
    key: Key,
    bind: SocketAddr,
}

struct Key(SecretString);

impl Section for Key {
    fn read(env: &mut Env) -> Option<Self> {
        env.secret("KEY").map(Self)
    }
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (key, bind) = (Key::read(env), env.required("CHILD_BIND"));
        // Nobody follows this one.
        env.optional_secret("OTHER")?;
        Some(Self { key: key?, bind: bind? })
    }
}

async fn start(config: Config, process: &Process) -> anyhow::Result<()> {
    let current = Arc::new(watch::Sender::new(config.key.0));
    let put = current.clone();
    process.secrets.follow(move |Key(key)| drop(put.send_replace(key)));
    let told = get(async move || current.borrow().expose_secret().to_owned());
    let listener = tokio::net::TcpListener::bind(config.bind).await?;
    process.tasks.spawn("told", async move {
        axum::serve(listener, Router::new().route("/", told)).await.unwrap();
    });
    Ok(())
}

struct Asked;

impl Section for Asked {
    fn read(env: &mut Env) -> Option<Self> {
        env.required::<String>("CHILD_BIND").map(|_| Self)
    }
}

/// Not a test but the service's process, when [`Service`] runs it.
#[test]
#[ignore = "run by others"]
fn the_child() {
    if Env::of_process().load::<Asked>().is_err() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ended = runtime.block_on(process::run::<Config>("child", start));
    // The test's own end would be told as a success.
    std::process::exit(i32::from(format!("{ended:?}") != format!("{:?}", std::process::ExitCode::SUCCESS)));
}

/// That process, as others see it.
pub struct Service {
    child: Child,
    told: u16,
    ops: u16,
    folder: TempDir,
}

impl Service {
    /// Starts it with these settings. It rereads its secrets every second.
    pub fn start(settings: &[(String, String)]) -> Self {
        let (told, ops, folder) = (free_port(), free_port(), TempDir::new().unwrap());
        let output =
            || std::fs::OpenOptions::new().create(true).append(true).open(folder.path().join("log")).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["child::the_child", "--exact", "--include-ignored", "--nocapture"])
            .env_clear()
            .envs([("CHILD_BIND", format!("127.0.0.1:{told}")), ("OPS_BIND", format!("127.0.0.1:{ops}"))])
            .env("SECRETS_REREAD_SECONDS", "1")
            .envs(settings.iter().cloned())
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, told, ops, folder }
    }

    /// The secret that it goes by.
    pub async fn key(&self) -> Option<String> {
        text(self.told, "").await.map(|(_, text)| text)
    }

    pub async fn goes_by(&self, key: &str) {
        eventually(key, async || self.key().await.as_deref() == Some(key)).await;
    }

    /// What it says of being ready, as soon as it says anything.
    pub async fn ready(&self) -> (u16, String) {
        eventually("it says something", async || text(self.ops, "ready").await.is_some()).await;
        text(self.ops, "ready").await.unwrap()
    }

    /// Whether its rounds of rereading fail, and how many did not so far.
    pub async fn rereading(&self) -> (bool, u64) {
        let (_, metrics) = text(self.ops, "metrics").await.unwrap();
        let value =
            |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        let failing = value(r#"rp9_rounds_failing{task="secrets"}"#) == Some(1.0);
        let failed = value(r#"rp9_rounds_total{task="secrets",result="failed"}"#).unwrap_or(0.0);
        (failing, failed as u64)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub async fn ended_badly(&mut self) -> bool {
        !self.child.wait().await.unwrap().success()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Every secret of these tests has this in it.
        assert!(!self.log().contains("hunter2"), "a secret is in the log: {}", self.log());
    }
}

async fn text(port: u16, path: &str) -> Option<(u16, String)> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://127.0.0.1:{port}/{path}")).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

fn free_port() -> u16 {
    super::free_port(1)
}
