//! One run: everything is started, every cell is looked at once a round, ours and the peer's in turns.

use std::time::Duration;

use anyhow::Context;
use common::config::Env;
use secrecy::ExposeSecret;
use sqlx::postgres::PgPoolOptions;

use crate::{
    cells::Bench,
    config::Config,
    loads::{BEGINNINGS, CLIENTS, FEW, MIXED_PER_SECOND, WATCHED},
    machine, names, report,
    services::{self, Server},
};
/// By then a service has connected, and done its first chores.
const SETTLED: Duration = Duration::from_secs(10);

/// Runs everything, and reports.
pub async fn run() -> anyhow::Result<String> {
    let config: Config = Env::of_process().load()?;
    let url = config.database_url.expose_secret();
    let record =
        PgPoolOptions::new().max_connections(2).connect(url).await.context("the bench's Postgres")?;
    common::database::migrate(&record).await?;
    let idle_url = config.idle_database_url.expose_secret();
    let idle_record =
        PgPoolOptions::new().max_connections(1).connect(idle_url).await.context("the idle record")?;
    common::database::migrate(&idle_record).await?;
    idle_record.close().await;
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

async fn one_round(bench: &mut Bench, servers: &Servers) -> anyhow::Result<()> {
    let fsync = machine::fsync(&bench.config.disk)?;
    for (figure, quantile) in [("p50", 0.5), ("p95", 0.95)] {
        bench.figures.note("fsync", figure, fsync.value_at_quantile(quantile) as f64 / 1000.0);
    }
    for (cell, look) in cells(servers) {
        if bench.config.wants(&cell) {
            bench.look(&cell, look).await?;
        }
    }
    Ok(())
}

/// What a round looks at, in this order.
fn cells(Servers { gateway, peer }: &Servers) -> Vec<(String, Look<'_>)> {
    let mut cells = vec![
        (names::REFUSE.to_owned(), Look::Refuse(gateway)),
        (names::PEER_REFUSE.to_owned(), Look::Refuse(peer)),
    ];
    for clients in CLIENTS {
        cells.push((names::create(clients), Look::Create(gateway, clients)));
        cells.push((names::peer_create(clients), Look::Create(peer, clients)));
        cells.push((names::create_in_sql(clients), Look::CreateInSql(clients)));
    }
    cells.push((names::REPEAT.to_owned(), Look::Repeat(gateway)));
    cells.push((names::SHOW_OWN.to_owned(), Look::ShowOwn(gateway)));
    cells.push((names::PEER_SHOW_OWN.to_owned(), Look::ShowOwn(peer)));
    cells.extend(CLIENTS.map(|clients| (names::show(clients), Look::Show(gateway, clients))));
    cells.push((names::MIX.to_owned(), Look::Mix(gateway)));
    cells.push((names::PEER_MIX.to_owned(), Look::Mix(peer)));
    cells.push((names::FOLLOW.to_owned(), Look::Follow));
    cells.push((names::HELD.to_owned(), Look::Hold));
    cells.extend(BEGINNINGS.map(|(rate, effects)| (names::begin(rate, effects), Look::Begin(rate, effects))));
    cells.extend(WATCHED.map(|tenants| (names::ticks(tenants), Look::Ticks(tenants))));
    cells.push((names::SURVIVE.to_owned(), Look::Survive(WATCHED[0])));
    cells
}

/// What is looked at, on which server, by how many clients.
enum Look<'a> {
    Refuse(&'a Server),
    Create(&'a Server, usize),
    CreateInSql(usize),
    Repeat(&'a Server),
    ShowOwn(&'a Server),
    Show(&'a Server, usize),
    Mix(&'a Server),
    Follow,
    Hold,
    /// So many operations a second, with or without effects.
    Begin(u32, bool),
    /// Of a collector with so many tenants.
    Ticks(u32),
    /// Two of them, of which one is killed.
    Survive(u32),
}

impl Bench {
    async fn look(&mut self, cell: &str, look: Look<'_>) -> anyhow::Result<()> {
        match look {
            Look::Refuse(server) => self.refuse(cell, server, FEW).await,
            Look::Create(server, clients) => self.create(cell, server, clients).await,
            Look::CreateInSql(clients) => self.create_in_sql(cell, clients).await,
            Look::Repeat(server) => self.repeat(cell, server, FEW).await,
            Look::ShowOwn(server) => self.show_own(cell, server, FEW).await,
            Look::Show(server, clients) => self.show(cell, server, clients).await,
            Look::Mix(server) => self.mix(cell, server, MIXED_PER_SECOND).await,
            Look::Follow => self.follow(cell).await,
            Look::Hold => self.hold(cell).await,
            Look::Begin(rate, effects) => self.begin(cell, rate, effects).await,
            Look::Ticks(tenants) => self.ticks(cell, tenants).await,
            Look::Survive(tenants) => self.survive(cell, tenants).await,
        }
    }
}
