//! The peer: Postgres asked for the same rows by its own load generator, with nothing in between.

use std::process::Stdio;

use anyhow::Context;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::config::Config;

/// The statement that the gateway accepts a tenant with, and parameters made up in SQL.
const SCRIPT: &str = include_str!("create_tenant.sql");

/// What pgbench told.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub per_second: f64,
    pub average_ms: f64,
}

/// So many clients, each beginning again as soon as it is done.
pub async fn run(config: &Config, clients: usize) -> anyhow::Result<Told> {
    let (program, fixed) = config.pgbench.split_first().context("BENCH_PGBENCH is empty")?;
    let seconds = config.window.as_secs().to_string();
    let clients = clients.to_string();
    let flags = ["-n", "-M", "prepared", "-j", "2", "-c", &clients, "-T", &seconds, "-f", "-"];
    let mut child = Command::new(program)
        .args(fixed)
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut script = child.stdin.take().context("pgbench has no input")?;
    script.write_all(SCRIPT.as_bytes()).await?;
    drop(script);
    let output = child.wait_with_output().await?;
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(output.status.success(), "pgbench failed: {said}");
    let number = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.trim_start_matches(" =").split_whitespace().next());
        number.and_then(|n| n.parse().ok()).with_context(|| format!("pgbench told no {name}: {told}"))
    };
    Ok(Told { per_second: number("tps")?, average_ms: number("latency average")? })
}
