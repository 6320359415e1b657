//! One run: everything is started, every cell is looked at once a round, ours and the peer's in turns.

use std::time::Duration;

use anyhow::Context;
use common::config::Env;
use secrecy::ExposeSecret;
use sqlx::postgres::PgPoolOptions;

use crate::{
    cells::Bench,
    config::Config,
    machine, names, report,
    services::{self, Server},
};

/// Clients of the closed loops.
pub const CLIENTS: [usize; 2] = [FEW, 64];
/// Enough to keep two cores busy.
pub const FEW: usize = 16;
/// Reads and new tenants together.
pub const MIXED_PER_SECOND: u32 = 200;
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
    let servers = idle(&mut bench).await?;
    bench.warm(&servers.gateway).await?;
    bench.warm(&servers.peer).await?;
    for round in 1..=bench.config.rounds {
        eprintln!("round {round} of {}", bench.config.rounds);
        one_round(&mut bench, &servers).await?;
    }
    servers.gateway.process.stop().await?;
    servers.peer.process.stop().await?;
    if bench.config.wants_all() { report::write(&bench) } else { Ok(bench.figures.list()) }
}

/// Ours, and the peer.
struct Servers {
    gateway: Server,
    peer: Server,
}

/// How much memory the services take before anybody asks them anything. The gateway and the peer go on living.
async fn idle(bench: &mut Bench) -> anyhow::Result<Servers> {
    let gateway = services::gateway(&bench.config).await?;
    let peer = services::peer(&bench.config).await?;
    let provisioner = services::idle_provisioner(&bench.config).await?;
    tokio::time::sleep(SETTLED).await;
    bench.figures.note("gateway", "idle MB", gateway.process.memory_mb()?);
    bench.figures.note("peer", "idle MB", peer.process.memory_mb()?);
    bench.figures.note("provisioner", "idle MB", provisioner.memory_mb()?);
    provisioner.stop().await?;
    Ok(Servers { gateway, peer })
}

async fn one_round(bench: &mut Bench, Servers { gateway, peer }: &Servers) -> anyhow::Result<()> {
    let fsync = machine::fsync(&bench.config.disk)?;
    for (figure, quantile) in [("p50", 0.5), ("p95", 0.95)] {
        bench.figures.note("fsync", figure, fsync.value_at_quantile(quantile) as f64 / 1000.0);
    }
    for (cell, server) in [(names::REFUSE, gateway), (names::PEER_REFUSE, peer)] {
        if bench.config.wants(cell) {
            bench.refuse(cell, server, FEW).await?;
        }
    }
    for clients in CLIENTS {
        for (cell, server) in [(names::create(clients), gateway), (names::peer_create(clients), peer)] {
            if bench.config.wants(&cell) {
                bench.create(&cell, server, clients).await?;
            }
        }
        let cell = names::create_in_sql(clients);
        if bench.config.wants(&cell) {
            bench.create_in_sql(&cell, clients).await?;
        }
    }
    if bench.config.wants(names::REPEAT) {
        bench.repeat(names::REPEAT, gateway, FEW).await?;
    }
    reads(bench, gateway, peer).await?;
    if bench.config.wants(names::FOLLOW) {
        bench.follow(names::FOLLOW).await?;
    }
    for (rate, effects) in BEGINNINGS {
        let cell = names::begin(rate, effects);
        if bench.config.wants(&cell) {
            bench.begin(&cell, rate, effects).await?;
        }
    }
    Ok(())
}

async fn reads(bench: &mut Bench, gateway: &Server, peer: &Server) -> anyhow::Result<()> {
    for (cell, server) in [(names::SHOW_OWN, gateway), (names::PEER_SHOW_OWN, peer)] {
        if bench.config.wants(cell) {
            bench.show_own(cell, server, FEW).await?;
        }
    }
    for clients in CLIENTS {
        let cell = names::show(clients);
        if bench.config.wants(&cell) {
            bench.show(&cell, gateway, clients).await?;
        }
    }
    for (cell, server) in [(names::MIX, gateway), (names::PEER_MIX, peer)] {
        if bench.config.wants(cell) {
            bench.mix(cell, server, MIXED_PER_SECOND).await?;
        }
    }
    Ok(())
}
