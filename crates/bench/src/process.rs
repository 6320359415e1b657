//! The processes that are looked at: started here, ended here, and measured by what the kernel says of them.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
};

/// Longer than the slowest start, which migrates a schema first.
const START: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// What Linux counts processor time in, on every machine in use.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running service. Dropping it kills it.
pub struct Process {
    child: Child,
    id: u32,
}

impl Process {
    /// Starts a service with exactly these variables and waits until it is ready.
    pub async fn start(
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, String)],
        ops_port: u16,
    ) -> anyhow::Result<Self> {
        let ops = ("OPS_BIND".to_owned(), format!("127.0.0.1:{ops_port}"));
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(variables.chain([ops]))
            .stdin(Stdio::null())
            // Written as in production, and thrown away: the disk is being measured.
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let id = child.id().context("the process ended at once")?;
        let process = Self { child, id };
        let ready = async {
            while !is_ready(ops_port).await {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        let waited = tokio::time::timeout(START, ready).await;
        waited.with_context(|| format!("{} does not become ready", program.display()))?;
        Ok(process)
    }

    /// Processor seconds used so far, in all.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id))?;
        // The second field is the program's name in parentheses, which may hold anything.
        let (_, rest) = stat.rsplit_once(')').context("an unknown form of /proc/…/stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks: f64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(ticks / TICKS_PER_SECOND)
    }

    /// Memory that is really there, in megabytes.
    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Ok(kilobytes.context("an unknown form of /proc/…/status")? / 1024.0)
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

async fn is_ready(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"GET /ready HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    ask.await.is_ok_and(|answer| answer.contains(" 200 "))
}
