//! Our own services as processes: two of each, killed, paused and started again.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use testkit::process::{Process, Program};
use tokio::sync::Mutex;

use crate::{
    config::Config,
    programs::{Place, Release, program},
};

const ASK_EVERY: Duration = Duration::from_millis(50);

/// Two gateways and two workers.
pub struct Fleet {
    members: Vec<Member>,
    /// Processes that ended although nobody ended them.
    ended: AtomicU64,
}

struct Member {
    place: Place,
    /// Held while it is killed, paused or started: one fault at a time for each.
    running: Mutex<Running>,
}

struct Running {
    program: Program,
    process: Process,
}

impl Running {
    /// Another process of the same program, or of this one.
    async fn begin_anew(&mut self, other: Option<Program>) -> anyhow::Result<()> {
        self.process.kill().await?;
        self.program = other.unwrap_or(self.program.clone());
        self.process = Process::spawn(&self.program)?;
        Ok(())
    }
}

impl Fleet {
    /// Starts all of them, of the former release if there is one, and waits until they are ready.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let release = if config.former.is_some() { Release::Former } else { Release::Present };
        let mut members = Vec::new();
        for place in Place::ALL {
            let program = program(config, place, release);
            let process = Process::start(&program).await?;
            members.push(Member { place, running: Mutex::new(Running { program, process }) });
        }
        Ok(Self { members, ended: AtomicU64::new(0) })
    }

    /// Exchanges one gateway and one worker, one after the other, for those of this release; each comes up as it can.
    pub async fn roll_out(&self, config: &Config) -> anyhow::Result<()> {
        for member in self.members.iter().filter(|member| member.place.is_second()) {
            let present = program(config, member.place, Release::Present);
            member.running.lock().await.begin_anew(Some(present)).await?;
        }
        Ok(())
    }

    /// Exchanges everything for the former release.
    pub async fn go_back(&self, config: &Config) -> anyhow::Result<()> {
        for member in &self.members {
            let former = program(config, member.place, Release::Former);
            member.running.lock().await.begin_anew(Some(former)).await?;
        }
        Ok(())
    }

    /// Which of them do not become ready within this time, though nobody disturbs them any more.
    pub async fn unready(&self, patience: Duration) -> Vec<String> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut unready = Vec::new();
        for member in &self.members {
            let running = member.running.lock().await;
            if tokio::time::timeout_at(deadline, ready(&running.process)).await.is_err() {
                unready.push(format!("{} ({})", member.place.name(), running.program.path.display()));
            }
        }
        unready
    }

    /// Kills one at random, as a power cut would, and starts it again at once. `false`: it is paused, and stays so.
    pub async fn kill_one(&self, random: &mut fastrand::Rng) -> anyhow::Result<bool> {
        let Some(member) = random.choice(&self.members) else { return Ok(false) };
        let Ok(mut running) = member.running.try_lock() else { return Ok(false) };
        running.begin_anew(None).await?;
        Ok(true)
    }

    /// Stops a worker's clock for so long: it neither works nor renews its leases, and then it goes on as if nothing had been.
    pub async fn pause_a_worker(&self, random: &mut fastrand::Rng, length: Duration) -> anyhow::Result<()> {
        let workers: Vec<_> = self.members.iter().filter(|member| member.place.is_worker()).collect();
        let Some(worker) = random.choice(workers) else { return Ok(()) };
        let running = worker.running.lock().await;
        signal(&running.process, Signal::STOP)?;
        tokio::time::sleep(length).await;
        signal(&running.process, Signal::CONT)
    }

    /// Starts again what ended by itself, and counts it.
    pub async fn revive(&self) -> anyhow::Result<()> {
        for member in &self.members {
            let Ok(mut running) = member.running.try_lock() else { continue };
            if let Some(status) = running.process.ended()? {
                eprintln!("{} ended by itself: {status}", member.place.name());
                self.ended.fetch_add(1, Ordering::Relaxed);
                running.process = Process::spawn(&running.program)?;
            }
        }
        Ok(())
    }

    /// How many ended although nobody ended them.
    pub fn ended_by_themselves(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }
}

async fn ready(process: &Process) {
    while !process.is_ready().await {
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn signal(process: &Process, signal: Signal) -> anyhow::Result<()> {
    let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    Ok(kill_process(id.ok_or_else(|| anyhow::anyhow!("an impossible process number"))?, signal)?)
}
