//! One phase after the other.

use std::time::Duration;

use anyhow::Context;
use common::service::Tasks;
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use testkit::{
    process::{Process, Program},
    services,
};
use url::Url;

use crate::{
    attacks::{Attack, Target, attack},
    config::Config,
    others::Others,
    report::{Phase, Report},
};

const DATABASE: &str = "rp9_siege";
/// Nothing listens there: wake-ups are no part of this.
const NO_NATS: &str = "nats://127.0.0.1:1";
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A whole siege, with nobody in the way before, between and after.
pub async fn run(config: Config) -> anyhow::Result<Report> {
    let record = make_database(config.database.expose_secret()).await?;
    let tasks = Tasks::default();
    let gateway = Process::start(&program(&config, &record)).await?;
    let others = Others::settle(&tasks, config.port).await?;
    // Connections, statements and caches: the first seconds are not what the rest is compared with.
    others.ask(&tasks, config.length / 2).await?;
    let mut phases = Vec::new();
    for attack in Attack::ALL {
        for attack in [Attack::Nobody, attack] {
            eprintln!("{}", attack.name());
            phases.push(phase(attack, &tasks, &config, &others, &gateway).await?);
        }
    }
    phases.push(phase(Attack::Nobody, &tasks, &config, &others, &gateway).await?);
    gateway.stop().await?;
    Ok(Report { phases })
}

async fn phase(
    attacked: Attack,
    tasks: &Tasks,
    config: &Config,
    others: &Others,
    gateway: &Process,
) -> anyhow::Result<Phase> {
    let target = Target { tasks, port: config.port, tenant: others.tenant() };
    let watched = async {
        let mut most = 0_f64;
        let until = tokio::time::Instant::now() + config.length;
        while tokio::time::Instant::now() < until {
            most = most.max(gateway.memory_mb()?);
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(most)
    };
    let (waited, told, memory) =
        tokio::try_join!(others.ask(tasks, config.length), attack(attacked, &target, config.length), watched)
            .with_context(|| format!("while attacked by {}", attacked.name()))?;
    Ok(Phase { attack: attacked, told, waited, memory })
}

/// An empty database of its own; what an earlier siege left is removed.
async fn make_database(server: &str) -> anyhow::Result<String> {
    let mut connection = PgConnection::connect(server).await?;
    for statement in ["drop database if exists {} with (force)", "create database {}"] {
        sqlx::query(AssertSqlSafe(statement.replace("{}", DATABASE))).execute(&mut connection).await?;
    }
    let mut url = Url::parse(server).context("DATABASE_URL is not an address")?;
    url.set_path(DATABASE);
    Ok(url.into())
}

/// As it is shipped and limited by default.
fn program(config: &Config, record: &str) -> Program {
    let mut variables = services::gateway(config.port);
    for (name, value) in [("DATABASE_URL", record), ("NATS_URL", NO_NATS), ("REDIS_URL", &config.redis)] {
        variables.push((name.into(), value.into()));
    }
    // The others look at one tenant, all of them.
    variables.push(("RATE_LIMIT_READ".into(), "1000000".into()));
    Program {
        path: config.gateway.clone(),
        arguments: Vec::new(),
        variables,
        ops_port: config.port + 2,
        log: None,
    }
}
