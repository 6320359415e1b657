//! Everything that is broken, each by a loop of its own until the load ends. Every loop draws from its own seed.

mod servers;

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::try_join_all;
use strum::IntoEnumIterator;
use tokio::process::Command;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, fault::Fault, fleet::Fleet, proxy::Proxy, world::World};
use servers::Servers;

/// Milliseconds between two faults of a kind, from and to.
const KILLS: (u64, u64) = (1000, 3000);
const PAUSES: (u64, u64) = (7000, 13_000);
const WIPES: (u64, u64) = (9000, 20_000);
const CUTS: (u64, u64) = (1000, 4000);
const COMMIT_CUTS: (u64, u64) = (1000, 2500);
/// How long NATS and Postgres are away.
const NATS_AWAY: (u64, u64) = (500, 3000);
const POSTGRES_AWAY: (u64, u64) = (200, 1500);
/// By how much a pause is longer than the lease.
const OVERSLEEP: (u64, u64) = (500, 2000);
/// When Postgres is killed, in hundredths of the storm.
const POSTGRES_KILLS: [u32; 3] = [70, 82, 92];
/// In which part of the storm a former release is alone.
const ROLL_OUT_AFTER: u32 = 10;
const REVIVE_EVERY: Duration = Duration::from_millis(500);
/// A message that does not arrive within this time after NATS is back counts as this late.
const WOKEN_WITHIN: Duration = Duration::from_secs(60);

/// What was broken so far.
#[derive(Debug, Clone, Default)]
pub struct Broken {
    pub kills: u64,
    pub pauses: u64,
    pub wipes: u64,
    pub cuts: u64,
    pub postgres_kills: u64,
    /// From NATS answering again to the first message that woke a worker, for each wipe.
    pub back: Vec<Duration>,
}

/// What is broken, and with what.
pub struct Storm {
    pub config: Config,
    pub fleet: Fleet,
    pub proxies: Vec<Arc<Proxy>>,
    pub world: Arc<World>,
    pub broken: Mutex<Broken>,
}

impl Storm {
    /// Breaks things until told to stop; then nothing is paused or away any more.
    pub async fn rage(&self, mut random: fastrand::Rng, calm: &CancellationToken) -> anyhow::Result<()> {
        // Forked in a fixed order, whatever is left out.
        let mut seeds: Vec<_> = Fault::iter().map(|fault| (fault, random.fork())).collect();
        let chosen = seeds.iter_mut().filter(|(fault, _)| self.config.faults.include(*fault));
        let loops = chosen.map(|(fault, random)| self.repeat(*fault, random, calm));
        tokio::try_join!(try_join_all(loops), self.revive(calm), self.roll_out(calm))?;
        if self.config.former.is_some() {
            self.fleet.go_back(&self.config).await?;
        }
        Ok(())
    }

    /// Brings this release in beside the former one, as it is rolled out: first the schema, while what runs goes on.
    async fn roll_out(&self, calm: &CancellationToken) -> anyhow::Result<()> {
        let begins = sleep(self.config.length / ROLL_OUT_AFTER);
        if self.config.former.is_none() || calm.run_until_cancelled(begins).await.is_none() {
            return Ok(());
        }
        let mut migrate = Command::new(&self.config.gateway);
        let record = self.config.record_at(self.config.postgres);
        migrate.arg("migrate").env("DATABASE_URL", record).stdin(Stdio::null()).stdout(Stdio::null());
        let status = migrate.status().await?;
        anyhow::ensure!(status.success(), "the schema was not migrated: {status}");
        self.fleet.roll_out(&self.config).await
    }

    async fn repeat(
        &self,
        fault: Fault,
        random: &mut fastrand::Rng,
        calm: &CancellationToken,
    ) -> anyhow::Result<()> {
        let pause = match fault {
            Fault::Kill => KILLS,
            Fault::Pause => PAUSES,
            Fault::Wipe => WIPES,
            Fault::Cut => CUTS,
            Fault::CommitCut => COMMIT_CUTS,
            Fault::Postgres => return self.kill_postgres(random, calm).await,
        };
        while calm.run_until_cancelled(sleep(between(random, pause))).await.is_some() {
            match fault {
                Fault::Kill => {
                    let killed = self.fleet.kill_one(random).await?;
                    self.note(|broken| broken.kills += u64::from(killed));
                }
                Fault::Pause => {
                    let length = self.config.lease + between(random, OVERSLEEP);
                    self.fleet.pause_a_worker(random, length).await?;
                    self.note(|broken| broken.pauses += 1);
                }
                Fault::Wipe => self.wipe(random, calm).await?,
                Fault::Cut => {
                    let cut = random.choice(&self.proxies).is_some_and(|proxy| proxy.cut_any(random));
                    self.note(|broken| broken.cuts += u64::from(cut));
                }
                Fault::CommitCut => {
                    if let Some(proxy) = random.choice(&self.proxies) {
                        proxy.cut_after_next_commit();
                    }
                }
                Fault::Postgres => {}
            }
        }
        Ok(())
    }

    /// NATS is killed, loses everything, and comes back.
    async fn wipe(&self, random: &mut fastrand::Rng, calm: &CancellationToken) -> anyhow::Result<()> {
        let servers = Servers::of(&self.config);
        servers.run(&["nats", "wipe"]).await?;
        sleep(between(random, NATS_AWAY)).await;
        servers.run(&["nats", "start"]).await?;
        servers.await_nats().await?;
        let (answers, woken) = (Instant::now(), self.world.woken.notified());
        let waited = calm.run_until_cancelled(timeout(WOKEN_WITHIN, woken)).await;
        self.note(|broken| {
            broken.wipes += 1;
            // When the storm is over nobody sends any more, so that says nothing.
            broken.back.extend(waited.map(|woken| woken.map_or(WOKEN_WITHIN, |()| answers.elapsed())));
        });
        Ok(())
    }

    /// Postgres dies as in a power cut, with what it has made durable.
    async fn kill_postgres(
        &self,
        random: &mut fastrand::Rng,
        calm: &CancellationToken,
    ) -> anyhow::Result<()> {
        let (begin, servers) = (Instant::now(), Servers::of(&self.config));
        for part in POSTGRES_KILLS {
            let due = begin + self.config.length * part / 100;
            if calm.run_until_cancelled(sleep_until(due)).await.is_none() {
                break;
            }
            servers.run(&["postgres", "kill"]).await?;
            sleep(between(random, POSTGRES_AWAY)).await;
            servers.run(&["postgres", "start"]).await?;
            self.note(|broken| broken.postgres_kills += 1);
        }
        Ok(())
    }

    async fn revive(&self, calm: &CancellationToken) -> anyhow::Result<()> {
        while calm.run_until_cancelled(sleep(REVIVE_EVERY)).await.is_some() {
            self.fleet.revive().await?;
        }
        Ok(())
    }

    fn note(&self, change: impl FnOnce(&mut Broken)) {
        change(&mut self.broken.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn between(random: &mut fastrand::Rng, (from, to): (u64, u64)) -> Duration {
    Duration::from_millis(random.u64(from..=to))
}
