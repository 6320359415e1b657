//! A gateway as it is run: a process of its own, which can be stopped as a power cut would.

use std::{net::TcpListener, path::PathBuf};

use axum::body::Body;
use futures::future;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{ConnectOptions, PgPool};
use testkit::{
    process::{Process, Program},
    services,
};
use tokio::net::TcpStream;

use super::{Call, HMAC_SECRET, JWT_SECRET, Reply, eventually};

/// Nothing listens there: wake-ups are lost, which nobody minds.
const NO_NATS: &str = "nats://127.0.0.1:1";

/// One gateway on a record, asked over a socket.
pub struct Replica {
    program: Program,
    process: Process,
    pub port: u16,
    edge_port: u16,
}

impl Replica {
    /// Starts it with these variables changed, and its log in this file.
    pub async fn start(database: &PgPool, variables: &[(&str, &str)], log: Option<PathBuf>) -> Self {
        let replica = Self::spawn(database, variables, log);
        let ready = async {
            while !replica.is_ready().await {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), ready).await.expect("it becomes ready");
        replica
    }

    /// The same without waiting for it to be ready.
    pub fn spawn(database: &PgPool, variables: &[(&str, &str)], log: Option<PathBuf>) -> Self {
        let [port, edge_port, ops_port] = [free_port(), free_port(), free_port()];
        let (record, edge) = (address(database), format!("127.0.0.1:{edge_port}"));
        let changed = [
            ("EDGE_BIND", edge.as_str()),
            ("DATABASE_URL", record.as_str()),
            ("NATS_URL", NO_NATS),
            ("JWT_SECRET", JWT_SECRET),
            ("HMAC_SECRET", HMAC_SECRET),
            ("RATE_LIMIT", "off"),
        ];
        let changed = changed.iter().chain(variables).map(|(name, value)| ((*name).into(), (*value).into()));
        let program = Program {
            path: env!("CARGO_BIN_EXE_gateway").into(),
            arguments: Vec::new(),
            variables: services::gateway(port).into_iter().chain(changed).collect(),
            ops_port,
            log,
        };
        let process = Process::spawn(&program).unwrap();
        Self { program, process, port, edge_port }
    }

    /// Runs `gateway migrate` for this record. Whether it succeeded.
    pub async fn migrate(database: &PgPool) -> bool {
        let mut migrate = tokio::process::Command::new(env!("CARGO_BIN_EXE_gateway"));
        migrate.arg("migrate").env_clear().env("DATABASE_URL", address(database));
        migrate.stdout(std::process::Stdio::null()).status().await.unwrap().success()
    }

    /// Why it is not ready; nothing while nobody answers.
    pub async fn waits_for(&self) -> Option<String> {
        let reply = send_to(self.program.ops_port, Call::get("/ready")).await?;
        (reply.status == 503).then(|| reply.text())
    }

    /// Kills it: it gets no chance to say anything.
    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Tells it to stop.
    pub fn terminate(&self) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, Signal::TERM).unwrap();
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        self.process.is_ready().await
    }

    /// Whether it ended as it should, once it has.
    pub fn ended_well(&mut self) -> Option<bool> {
        self.process.ended().unwrap().map(|status| status.success())
    }

    /// Starts it again, where it was.
    pub async fn restart(&mut self) {
        self.process = Process::start(&self.program).await.unwrap();
    }

    /// Stops its clock: afterwards none of its threads does anything.
    pub async fn pause(&self) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, Signal::STOP).unwrap();
        let threads = format!("/proc/{}/task", self.process.id());
        let stands_still = |thread: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(thread.unwrap().path().join("stat"));
            stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T')))
        };
        eventually(async || std::fs::read_dir(&threads).unwrap().all(stands_still)).await;
    }

    /// Its answer over a connection of its own, or nothing when there is none, or not a whole one.
    pub async fn send(&self, call: Call) -> Option<Reply> {
        send_to(self.port, call).await
    }

    /// The same at the edge's own port.
    pub async fn send_to_edge(&self, call: Call) -> Option<Reply> {
        send_to(self.edge_port, call).await
    }
}

/// The same where only the port is known.
pub async fn send_to(port: u16, call: Call) -> Option<Reply> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let exchange = async move {
        let request = call.header("host", "localhost").header("connection", "close").build();
        Reply::try_read(sender.send_request(request).await.ok()?.map(Body::new)).await
    };
    future::join(exchange, connection).await.0
}

fn address(database: &PgPool) -> String {
    database.connect_options().to_url_lossy().to_string()
}

/// Below those that the kernel gives to whoever connects somewhere, so that a restarted process finds it free.
pub fn free_port() -> u16 {
    std::iter::repeat_with(|| fastrand::u16(10_000..32_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
