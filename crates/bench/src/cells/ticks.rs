//! The collector's ticks.

use std::time::Duration;

use testkit::process::Process;
use tokio::time::{Instant, timeout};

use super::Bench;
use crate::{record, services};

const TOOK: (&str, &str) =
    ("rp9_collector_tick_duration_seconds_sum", "rp9_collector_tick_duration_seconds_count");
const PARTS: &str = "rp9_collector_shards";

/// Ticks of which the mean is taken, after the first, in which every tenant is met for the first time.
const TICKS: f64 = 3.0;

/// A tick is a quarter of a minute, and nothing here takes more than ten.
const PATIENCE: Duration = Duration::from_secs(150);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What one that is killed is waited for: three ticks.
const AFTERWARDS: Duration = Duration::from_secs(45);

impl Bench {
    /// One replica, and so many tenants.
    pub async fn ticks(&mut self, cell: &str, tenants: u32) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        record::fill_running(&self.record, tenants.try_into()?).await?;
        let replica = services::collector(&self.config, 0).await?;
        let (first, ticks) = took(&replica, 1.0).await?;
        self.figures.note(cell, "first", first / ticks);
        let cpu = replica.cpu_seconds()?;
        let (sum, ended) = took(&replica, ticks + TICKS).await?;
        self.figures.note(cell, "tick", (sum - first) / (ended - ticks));
        self.figures.note(cell, "cpu", (replica.cpu_seconds()? - cpu) / (ended - ticks));
        self.figures.note(cell, "MB", replica.memory_mb()?);
        replica.stop().await
    }

    /// Two replicas, of which one is killed.
    pub async fn survive(&mut self, cell: &str, tenants: u32) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        record::fill_running(&self.record, tenants.try_into()?).await?;
        let (stays, goes) =
            (services::collector(&self.config, 0).await?, services::collector(&self.config, 1).await?);
        // In the first tick whoever is quicker has more.
        for replica in [&stays, &goes] {
            took(replica, TICKS).await?;
        }
        let shares = until(|| async {
            let parts = (stays.metric(PARTS).await?, goes.metric(PARTS).await?);
            let (Some(own), Some(others)) = parts else { return Ok(None) };
            Ok((own + others == 64.0).then_some([own, others]))
        });
        let [own, others] = shares.await?;
        self.figures.note(cell, "more parts", own.max(others));
        self.figures.note(cell, "fewer parts", own.min(others));
        goes.stop().await?;
        let (killed, mut gap) = (Instant::now(), 0.0);
        while killed.elapsed() < AFTERWARDS {
            gap = record::oldest_sample(&self.record).await?.max(gap);
            tokio::time::sleep(ASK_EVERY).await;
        }
        self.figures.note(cell, "gap", gap);
        stays.stop().await
    }
}

/// How long all ticks took together when so many had ended, and how many had by then.
async fn took(replica: &Process, ticks: f64) -> anyhow::Result<(f64, f64)> {
    until(|| async {
        let (sum, count) = (replica.metric(TOOK.0).await?, replica.metric(TOOK.1).await?);
        Ok(sum.zip(count).filter(|(_, count)| *count >= ticks))
    })
    .await
}

async fn until<T, F>(look: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let looked = async {
        loop {
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    timeout(PATIENCE, looked).await?
}
