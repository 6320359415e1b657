//! Our own services as processes: two of each, killed, paused and started again.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use testkit::{
    process::{Process, Program},
    services,
};
use tokio::sync::Mutex;

use crate::config::Config;

const CLUSTER: &str = "storm";
/// Operations of one worker. Many of them lie still at any moment, because their worker was killed or sleeps; with fewer, the
/// queue would grow and cancellations would meet nothing but what has not begun.
const AT_ONCE: usize = 24;

/// Two gateways and two workers.
pub struct Fleet {
    members: Vec<Member>,
    /// Processes that ended although nobody ended them.
    ended: AtomicU64,
}

struct Member {
    program: Program,
    is_worker: bool,
    /// Held while it is killed, paused or started: one fault at a time for each.
    process: Mutex<Process>,
}

impl Fleet {
    /// Starts all of them and waits until they are ready.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let [gateway_proxy, worker_proxy] = config.proxies();
        let mut programs = Vec::new();
        for (number, port) in config.gateways().into_iter().enumerate() {
            let mut variables = connected(services::gateway(port), config, gateway_proxy);
            // Its callers ask as one, again and again; limits would be all it found.
            variables.push(("RATE_LIMIT".into(), "off".into()));
            let name = format!("gateway-{}", number + 1);
            programs.push((program(config, &config.gateway, &name, variables, port + 2), false));
        }
        for (number, port) in config.workers().into_iter().enumerate() {
            let mut variables = connected(services::site(CLUSTER), config, worker_proxy);
            variables.push(("STORM_WORLD".into(), format!("http://127.0.0.1:{}", config.world())));
            variables.push(("STORM_LEASE_MS".into(), config.lease.as_millis().to_string()));
            variables.push(("OPERATIONS_AT_ONCE".into(), AT_ONCE.to_string()));
            let mut worker =
                program(config, &config.own_path, &format!("worker-{}", number + 1), variables, port);
            worker.arguments.push("worker".into());
            programs.push((worker, true));
        }
        let mut members = Vec::new();
        for (program, is_worker) in programs {
            let process = Mutex::new(Process::start(&program).await?);
            members.push(Member { program, is_worker, process });
        }
        Ok(Self { members, ended: AtomicU64::new(0) })
    }

    /// Kills one at random, as a power cut would, and starts it again at once. `false`: it is paused, and stays so.
    pub async fn kill_one(&self, random: &mut fastrand::Rng) -> anyhow::Result<bool> {
        let Some(member) = random.choice(&self.members) else { return Ok(false) };
        let Ok(mut process) = member.process.try_lock() else { return Ok(false) };
        process.kill().await?;
        *process = Process::spawn(&member.program)?;
        Ok(true)
    }

    /// Stops a worker's clock for so long: it neither works nor renews its leases, and then it goes on as if nothing had been.
    pub async fn pause_a_worker(&self, random: &mut fastrand::Rng, length: Duration) -> anyhow::Result<()> {
        let workers: Vec<_> = self.members.iter().filter(|member| member.is_worker).collect();
        let Some(worker) = random.choice(workers) else { return Ok(()) };
        let process = worker.process.lock().await;
        signal(&process, Signal::STOP)?;
        tokio::time::sleep(length).await;
        signal(&process, Signal::CONT)
    }

    /// Starts again what ended by itself, and counts it.
    pub async fn revive(&self) -> anyhow::Result<()> {
        for member in &self.members {
            let Ok(mut process) = member.process.try_lock() else { continue };
            if let Some(status) = process.ended()? {
                eprintln!("{} ended by itself: {status}", member.program.path.display());
                self.ended.fetch_add(1, Ordering::Relaxed);
                *process = Process::spawn(&member.program)?;
            }
        }
        Ok(())
    }

    /// How many ended although nobody ended them.
    pub fn ended_by_themselves(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }
}

fn signal(process: &Process, signal: Signal) -> anyhow::Result<()> {
    let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    Ok(kill_process(id.ok_or_else(|| anyhow::anyhow!("an impossible process number"))?, signal)?)
}

fn connected(mut variables: Vec<(String, String)>, config: &Config, proxy: u16) -> Vec<(String, String)> {
    let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy));
    variables.push(("DATABASE_URL".into(), config.record_at(proxy)));
    variables.push(("NATS_URL".into(), format!("nats://{}", config.nats)));
    variables
}

fn program(
    config: &Config,
    path: &Path,
    name: &str,
    variables: Vec<(String, String)>,
    ops_port: u16,
) -> Program {
    let log = Some(config.logs.join(format!("{name}.log")));
    Program { path: path.to_owned(), arguments: Vec::new(), variables, ops_port, log }
}
