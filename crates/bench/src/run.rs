//! One run: everything is started, every cell is looked at once a round, ours and the peer's in turns.

use std::time::Duration;

use anyhow::Context;
use common::config::Env;
use secrecy::ExposeSecret;
use sqlx::postgres::PgPoolOptions;
use testkit::process::Process;

use crate::{cells::Bench, config::Config, machine, report, services};

/// Clients of the closed loops.
pub const CLIENTS: [usize; 2] = [16, 64];
/// The open loops: how many a second, and whether the sagas have effects. Hashing one password takes some 50 ms of a
/// core, so two hundred real creations a second are beyond a small machine whatever we do.
pub const BEGINNINGS: [(u32, bool); 3] = [(20, false), (200, false), (20, true)];
/// By then a service has connected, and done its first chores.
const SETTLED: Duration = Duration::from_secs(10);

/// Runs everything, and reports.
pub async fn run() -> anyhow::Result<String> {
    let config: Config = Env::of_process().load()?;
    let url = config.database_url.expose_secret();
    let record =
        PgPoolOptions::new().max_connections(2).connect(url).await.context("the bench's Postgres")?;
    common::database::migrate(&record).await?;
    let mut bench = Bench::new(config, record).await?;
    let gateway = idle(&mut bench).await?;
    for round in 1..=bench.config.rounds {
        eprintln!("round {round} of {}", bench.config.rounds);
        one_round(&mut bench, &gateway).await?;
    }
    gateway.stop().await?;
    report::write(&bench)
}

/// How much memory the services take before anybody asks them anything. The gateway goes on living.
async fn idle(bench: &mut Bench) -> anyhow::Result<Process> {
    let gateway = services::gateway(&bench.config).await?;
    let provisioner = services::idle_provisioner(&bench.config).await?;
    tokio::time::sleep(SETTLED).await;
    bench.figures.note("gateway", "idle MB", gateway.memory_mb()?);
    bench.figures.note("provisioner", "idle MB", provisioner.memory_mb()?);
    provisioner.stop().await?;
    Ok(gateway)
}

async fn one_round(bench: &mut Bench, gateway: &Process) -> anyhow::Result<()> {
    let fsync = machine::fsync(&bench.config.disk)?;
    for (figure, quantile) in [("p50", 0.5), ("p95", 0.95)] {
        bench.figures.note("fsync", figure, fsync.value_at_quantile(quantile) as f64 / 1000.0);
    }
    for clients in CLIENTS {
        bench.create(&report::create(clients), gateway, clients).await?;
        bench.create_in_sql(&report::create_in_sql(clients), clients).await?;
    }
    for clients in CLIENTS {
        bench.show(&report::show(clients), gateway, clients).await?;
    }
    for (rate, effects) in BEGINNINGS {
        bench.begin(&report::begin(rate, effects), rate, effects).await?;
    }
    Ok(())
}
