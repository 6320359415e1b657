#![doc = include_str!("../README.md")]

mod attention;
pub mod calls;
mod config;
pub mod consumption;
pub mod containers;
pub mod exposition;
pub mod figures;
mod fleet;
pub mod history;
pub mod look;
pub mod measures;
pub mod proof;
pub mod shards;
pub mod store;
pub mod ticks;
pub mod usage;
pub mod world;

use std::{sync::Arc, time::Duration};

use common::service::{Interval, Service};
use edge::calls::HttpCounters;
use n8n::{AdminUrls, Servers};

pub use config::Config;
pub use world::{Containers, Outlet, World};

use config::EdgeMetrics;
use exposition::Shown;
use history::History;
use measures::{Calls, Storage};
use proof::Proofs;
use shards::Shards;
use ticks::Ticks;
use usage::Usage;
use wire::CountUsage;

/// How often the record is asked whether another tick has begun.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Starts the collector.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    proof::describe();
    let servers = Servers::new(&config.admins)?;
    let own = servers.clone();
    service.secrets.follow(move |urls: AdminUrls| own.put(&urls));
    let counters = HttpCounters::new(config.edge.url, config.edge.password)?;
    let told = counters.clone();
    service.secrets.follow(move |edge: EdgeMetrics| told.put(edge.password));
    service.record_is_usable().await;

    let world = World::new(service.database.clone(), service.bus.clone(), config.cluster, servers);
    let counted = world.clone();
    service.answer(Some(world.cluster.as_str()), move |asked: CountUsage| {
        let world = counted.clone();
        async move { usage::count_last(&world, asked.instance).await }
    });
    let shown = watch(&world, service).await?;
    measure(&world, counters, service);
    let usage = Interval::new("usage", usage::EVERY).spread().failing("usage could not be counted");
    service.every(usage, Usage::new(world.clone(), shown.clone()));
    let history = Interval::new("history", history::EVERY).spread();
    let history = history.failing("what tenants of shared n8ns keep could not be looked after");
    service.every(history, History::new(world.clone()));
    let proofs = Interval::new("proofs", proof::EVERY).spread().failing("the sensors could not be proven");
    service.every(proofs, Proofs::new(world, shown));
    Ok(())
}

/// Looks at this replica's part of the cluster, tick by tick. What was seen is shown among the service's metrics.
pub async fn watch(world: &World, service: &Service) -> Result<Shown, sqlx::Error> {
    ticks::describe();
    let shown = Shown::default();
    let told = shown.clone();
    service.also_show(Arc::new(move || told.render()));
    let shards = Shards::new(world.record.clone(), world.cluster.clone());
    shards.ensure().await?;
    let ticks = Interval::new("samples", LOOK_EVERY).from_its_end().failing("tenants could not be looked at");
    service.every(ticks, Ticks::new(world.clone(), shards, shown.clone()));
    Ok(shown)
}

/// What is used beside executions.
fn measure(world: &World, counters: HttpCounters, service: &Service) {
    let (record, cluster) = (&world.record, &world.cluster);
    let calls = Interval::new("calls", measures::CALLS_EVERY).failing("calls could not be counted");
    service.every(calls, Calls::new(record.clone(), cluster.clone(), Arc::new(counters)));
    let storage = Interval::new("storage", measures::STORAGE_EVERY).spread();
    let storage = storage.failing("storage could not be measured");
    service.every(storage, Storage::new(record.clone(), cluster.clone()));
}
