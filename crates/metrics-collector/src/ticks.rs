//! Tick by tick: this replica's parts, some at a time.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use common::{error::chain, id::TenantId, service::Round};
use metrics::{describe_gauge, describe_histogram, gauge, histogram};
use n8n::TenantDatabases;
use tokio::time::{Instant, timeout};

use crate::{
    exposition::Shown,
    figures::Sense,
    fleet,
    look::{Common, Looked, Memory, look},
    shards::{Now, Shards},
    store::samples,
    world::World,
};

/// Sizes change slowly, and measuring them goes through every file there is.
const SIZES_EVERY: Duration = Duration::from_secs(300);

/// Earlier, but not more often than this, for somebody who was not there at the last time.
const SIZES_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// Longer than what a provisioner waits for its engine.
const USE_PATIENCE: Duration = Duration::from_secs(6);
const SIZES_PATIENCE: Duration = Duration::from_secs(30);

const TICK_AT: &str = "rp9_collector_tick_timestamp_seconds";
const PARTS: &str = "rp9_collector_shards";
const CONTAINERS: &str = "rp9_container_stats";
const TICK_TOOK: &str = "rp9_collector_tick_duration_seconds";

/// Says what each metric means.
pub fn describe() {
    describe_gauge!(TICK_AT, "When this replica last ended a tick in which it looked at anybody.");
    describe_gauge!(PARTS, "Parts of the cluster that this replica looks at, of 64.");
    describe_gauge!(
        CONTAINERS,
        "Containers of active tenants of the cluster, by how they are. Every replica tells the same number."
    );
    describe_histogram!(TICK_TOOK, metrics::Unit::Seconds, "How long this replica's part of a tick took.");
}

/// One replica's ticks.
pub struct Ticks {
    pub world: World,
    pub shards: Shards,
    pub shown: Shown,
    memory: Memory,
    sizes: Sizes,
    present: Present,
}

/// What databases take.
#[derive(Debug, Default)]
struct Sizes {
    /// When that was asked, and what was answered. `None`: nothing.
    asked: Option<(Instant, Option<HashMap<TenantId, u64>>)>,
    /// Those who have been missed since.
    missed: BTreeSet<TenantId>,
    /// Those who were missed before. They would be again.
    in_vain: BTreeSet<TenantId>,
}

impl Sizes {
    fn are_due(&self) -> bool {
        let Some((at, answer)) = &self.asked else { return true };
        let is_early = answer.is_none() || !self.missed.is_subset(&self.in_vain);
        at.elapsed() >= if is_early { SIZES_AT_MOST_EVERY } else { SIZES_EVERY }
    }

    async fn ask(&mut self, databases: &dyn TenantDatabases) {
        let sizes = timeout(SIZES_PATIENCE, databases.sizes()).await.ok().and_then(Result::ok);
        let sizes =
            sizes.map(|sizes| sizes.into_iter().map(|(name, bytes)| (name.tenant(), bytes)).collect());
        self.asked = Some((Instant::now(), sizes));
        self.in_vain = std::mem::take(&mut self.missed);
    }

    fn latest(&self) -> Option<&HashMap<TenantId, u64>> {
        self.asked.as_ref()?.1.as_ref()
    }
}

/// What was done of the present tick.
#[derive(Debug, Default)]
struct Present {
    tick: i64,
    common: Option<Common>,
    shards: Vec<i16>,
    evened: bool,
    took: Duration,
}

impl Ticks {
    /// None yet.
    pub fn new(world: World, shards: Shards, shown: Shown) -> Self {
        Self {
            world,
            shards,
            shown,
            memory: Memory::default(),
            sizes: Sizes::default(),
            present: Present::default(),
        }
    }

    async fn begin(&mut self, tick: i64) {
        let ended = std::mem::replace(&mut self.present, Present { tick, ..Present::default() });
        // What it had in the tick before, whoever has it by now.
        self.shown.keep(&ended.shards);
        gauge!(PARTS).set(ended.shards.len() as f64);
        if !ended.shards.is_empty() {
            histogram!(TICK_TOOK).record(ended.took.as_secs_f64());
        }
        self.memory.forget(Instant::now());
        self.memory.readings.forget(common::clock::now());
    }

    /// What all parts have in common is looked at once a tick, and only by those who have a part.
    async fn common(&mut self) -> Common {
        let used = match timeout(USE_PATIENCE, self.world.containers.used()).await {
            Ok(Ok(used)) => Some(used),
            Ok(Err(error)) => {
                tracing::debug!(error = chain(&error), "what containers use cannot be seen");
                None
            }
            Err(_) => None,
        };
        if self.sizes.are_due() {
            self.sizes.ask(self.world.databases.as_ref()).await;
        }
        Common { used, sizes: self.sizes.latest().cloned() }
    }

    /// Takes parts for as long as there are any.
    async fn take_all(&mut self, now: Now) -> Result<(), sqlx::Error> {
        loop {
            let shards = self.shards.take(now).await?;
            if shards.is_empty() {
                return Ok(());
            }
            let begun = Instant::now();
            let ours = self.look(now.tick, &shards).await?;
            self.present.took += begun.elapsed();
            gauge!(TICK_AT).set(common::clock::now().unix_timestamp() as f64);
            self.present.shards.extend(ours);
        }
    }

    /// Looks at these parts, and tells everybody who wants to know. Has those that are still its own: the others are told by whoever took them over
    /// because this took too long.
    async fn look(&mut self, tick: i64, shards: &[i16]) -> Result<Vec<i16>, sqlx::Error> {
        let common = match self.present.common.take() {
            Some(common) => common,
            None => self.common().await,
        };
        let looked = look(&self.world, &mut self.memory, &common, shards).await;
        self.present.common = Some(common);
        let looked = looked?;
        let without_size = looked.iter().filter(|looked| looked.missing.contains(&Sense::Storage));
        self.sizes.missed.extend(without_size.map(|looked| looked.sample.tenant));
        if !looked.is_empty() {
            samples::write(&self.world.record, &looked).await?;
        }
        let ours = self.shards.done(tick, shards).await?;
        let looked = looked.into_iter().filter(|looked| ours.contains(&looked.shard));
        let (whose, told): (Vec<_>, Vec<_>) =
            looked.map(|Looked { shard, sample, .. }| (shard, sample)).unzip();
        self.world.outlet.tell(&told).await;
        self.shown.put(&ours, whose.into_iter().zip(told));
        Ok(ours)
    }

    /// What there is to do at this moment.
    pub async fn go_on(&mut self, now: Now) -> Result<(), sqlx::Error> {
        if now.tick != self.present.tick {
            self.begin(now.tick).await;
            samples::sweep(&self.world.record, &self.world.cluster).await?;
            for (how, count) in fleet::container_stats(&self.world.record, &self.world.cluster).await? {
                gauge!(CONTAINERS, "stat_type" => how).set(count as f64);
            }
        }
        self.take_all(now).await?;
        if !self.present.evened && now.is_late() {
            self.shards.even_out(now.tick).await?;
            self.present.evened = true;
        }
        Ok(())
    }
}

impl Round for Ticks {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        let now = self.shards.now().await?;
        self.go_on(now).await
    }
}
