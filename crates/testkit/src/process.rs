//! Real processes of ours: started here, ended here, and measured by what the kernel says of them.

use std::{
    fs::OpenOptions,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

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

/// A service as it is to be started.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub variables: Vec<(String, String)>,
    /// Where it is asked on 127.0.0.1 whether it is ready.
    pub ops_port: u16,
    /// What it writes is added to this file; thrown away without one.
    pub log: Option<PathBuf>,
}

/// A running service. Dropping it kills it.
pub struct Process {
    child: Child,
    id: u32,
    ops_port: u16,
}

impl Process {
    /// Starts a service and waits until it is ready.
    pub async fn start(program: &Program) -> anyhow::Result<Self> {
        let process = Self::spawn(program)?;
        let ready = async {
            while !process.is_ready().await {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        let waited = tokio::time::timeout(START, ready).await;
        waited.with_context(|| format!("{} does not become ready", program.path.display()))?;
        Ok(process)
    }

    /// Starts a service without waiting for it.
    pub fn spawn(program: &Program) -> anyhow::Result<Self> {
        let ops = ("OPS_BIND".to_owned(), format!("127.0.0.1:{}", program.ops_port));
        // Written as in production in any case: it is part of the work.
        let output = || match &program.log {
            Some(path) => OpenOptions::new().create(true).append(true).open(path).map(Stdio::from),
            None => Ok(Stdio::null()),
        };
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).env_clear().envs(program.variables.iter().cloned().chain([ops]));
        command.stdin(Stdio::null()).stdout(output()?).kill_on_drop(true);
        if program.log.is_some() {
            command.stderr(output()?);
        }
        let child = command.spawn().with_context(|| format!("{} does not start", program.path.display()))?;
        let id = child.id().context("the process ended at once")?;
        Ok(Self { child, id, ops_port: program.ops_port })
    }

    /// The kernel's number of it.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        is_ready(self.ops_port).await
    }

    /// What it tells Prometheus of a metric without labels. `None`: nothing yet.
    pub async fn metric(&self, name: &str) -> anyhow::Result<Option<f64>> {
        let answer = get(self.ops_port, "/metrics").await?;
        let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.map(str::parse).transpose()?)
    }

    /// Processor seconds used so far, in all, by it and by the processes it has started.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        self.family()?.into_iter().map(cpu_seconds).sum()
    }

    /// Memory that is really there, in megabytes; what several of its processes share counts for each.
    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        self.family()?.into_iter().map(memory_mb).sum()
    }

    fn family(&self) -> anyhow::Result<Vec<u32>> {
        let mut family = vec![self.id];
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.id))? {
            let children = std::fs::read_to_string(thread?.path().join("children"))?;
            family.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        Ok(family)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Kills it: it gets no chance to tidy up. Returns once it is gone.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// The same, for good.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.kill().await
    }
}

fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("an unknown form of /proc/…/stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: f64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND)
}

fn memory_mb(id: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kilobytes.context("an unknown form of /proc/…/status")? / 1024.0)
}

async fn is_ready(port: u16) -> bool {
    get(port, "/ready").await.is_ok_and(|answer| answer.contains(" 200 "))
}

/// The whole answer, head and all.
async fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
