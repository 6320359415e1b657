//! The services as they are started for measuring: the shipped programs, configured as deployments configure them.

use std::path::Path;

use secrecy::ExposeSecret;
use testkit::{
    process::{Process, Program},
    services,
};

use crate::config::Config;

/// The gateway; its API is on the first of our ports.
pub async fn gateway(config: &Config) -> anyhow::Result<Process> {
    let mut variables = with_record(services::gateway(config.port), config);
    variables.extend(rates(&config.redis_url));
    Process::start(&program(&config.gateway, &[], variables, config.port + 2)).await
}

/// Every request is counted as in a deployment, and none is one too many.
fn rates(redis_url: &str) -> impl Iterator<Item = (String, String)> {
    let figures = ["RATE_LIMIT_OWNER", "RATE_LIMIT_STAFF", "RATE_LIMIT_CHANGE", "RATE_LIMIT_READ"];
    let figures = figures.into_iter().map(|name| (name.to_owned(), "1000000000".to_owned()));
    let on = [("RATE_LIMIT", "on"), ("REDIS_URL", redis_url)];
    let on = on.map(|(name, value)| (name.to_owned(), value.to_owned()));
    on.into_iter().chain(figures)
}

/// The provisioner's loop on fakes, with the real sagas or with one that has no effects.
pub async fn worker(config: &Config, effects: bool) -> anyhow::Result<Process> {
    let mut variables = with_record(services::site("bench"), config);
    variables.push(("BENCH_EFFECTS".into(), if effects { "on" } else { "off" }.into()));
    // An operation of nine steps takes some 40 ms with the machine busy: 8 at once would just miss 200 a second.
    variables.push(("OPERATIONS_AT_ONCE".into(), "32".into()));
    Process::start(&program(&config.own_path, &["worker"], variables, config.port + 3)).await
}

/// A real provisioner with nothing to do: a record and a cluster of its own, on the local engine.
pub async fn idle_provisioner(config: &Config) -> anyhow::Result<Process> {
    let mut variables = services::site("bench-idle");
    let database = config.idle_database_url.expose_secret();
    let own = [
        ("DATABASE_URL", database),
        ("NATS_URL", &config.nats_url),
        ("TENANT_DATABASE_ADMIN_URL", database),
        ("TENANT_REDIS_ADMIN_URL", &config.redis_url),
        ("EDGE_PROBE_URL", &format!("http://127.0.0.1:{}", config.port)),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Process::start(&program(&config.provisioner, &[], variables, config.port + 4)).await
}

fn with_record(mut variables: Vec<(String, String)>, config: &Config) -> Vec<(String, String)> {
    variables.push(("DATABASE_URL".into(), config.database_url.expose_secret().to_owned()));
    variables.push(("NATS_URL".into(), config.nats_url.clone()));
    variables
}

/// Nothing is kept of what it writes: the disk is being measured.
fn program(path: &Path, arguments: &[&str], variables: Vec<(String, String)>, ops_port: u16) -> Program {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Program { path: path.to_owned(), arguments, variables, ops_port, log: None }
}
