//! The services as they are started for measuring: the shipped programs, configured as deployments configure them.

use std::path::Path;

use anyhow::Context;
use secrecy::ExposeSecret;
use testkit::{
    portal::{HMAC_SECRET, JWT_SECRET},
    process::{Process, Program},
    services,
};

use crate::{config::Config, record};

/// Who is asked.
pub struct Server {
    pub process: Process,
    /// Where on 127.0.0.1.
    pub port: u16,
    /// What accepting a tenant writes to, one row each.
    pub accepted: &'static [&'static str],
}

/// The gateway; its API is on the first of our ports.
pub async fn gateway(config: &Config) -> anyhow::Result<Server> {
    gateway_on(config, config.port, Vec::new()).await
}

/// A gateway that nobody has asked anything yet, for so many clients that follow events.
pub async fn fresh_gateway(config: &Config, clients: usize) -> anyhow::Result<Server> {
    gateway_on(config, config.port + 6, vec![("EVENT_CLIENTS".into(), clients.to_string())]).await
}

/// A gateway that takes calls which are held; that is on the port that is told.
pub async fn holding_gateway(config: &Config) -> anyhow::Result<Server> {
    let (api, holder) = (config.port + 6, config.port + 11);
    let more = [
        ("HOLDER_BIND", format!("127.0.0.1:{holder}")),
        // Nobody is there: nothing is delivered.
        ("HOLDER_EDGE_URL", "http://127.0.0.1:1".to_owned()),
    ];
    let more = more.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Ok(Server { port: holder, ..gateway_on(config, api, more).await? })
}

async fn gateway_on(config: &Config, port: u16, more: Vec<(String, String)>) -> anyhow::Result<Server> {
    let mut variables = with_record(services::gateway(port), config);
    variables.extend(rates(&config.redis_url));
    // In most cells nobody works off what is accepted.
    variables.push(("BACKLOG_HIGH".into(), "1000000000".into()));
    variables.extend(more);
    let process = Process::start(&program(&config.gateway, &[], variables, port + 2)).await?;
    Ok(Server { process, port, accepted: &record::ACCEPTED })
}

/// The peer: a process for each core, and together as many connections to Postgres as a gateway has.
pub async fn peer(config: &Config) -> anyhow::Result<Server> {
    let (path, arguments) = config.peer.split_first().context("BENCH_PEER is empty")?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (port, cores) = (config.port + 5, std::thread::available_parallelism()?);
    let variables = [
        ("PEER_PORT", port.to_string()),
        ("PEER_WORKERS", cores.to_string()),
        ("PEER_CONNECTIONS", "16".to_owned()),
        ("DATABASE_URL", config.database_url.expose_secret().to_owned()),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        ("HMAC_SECRET", HMAC_SECRET.to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let process = Process::start(&program(Path::new(path), &arguments, variables, port)).await?;
    // It does not remember signatures: one row less, in its favour.
    Ok(Server { process, port, accepted: &record::UNSIGNED })
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

/// The collector's ticks over containers and databases that are made up; the first or the second replica.
pub async fn collector(config: &Config, replica: u16) -> anyhow::Result<Process> {
    let mut variables = with_record(Vec::new(), config);
    variables.push(("REDIS_URL".into(), config.redis_url.clone()));
    Process::start(&program(&config.own_path, &["collector"], variables, config.port + 9 + replica)).await
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
        ("EDGE_INNER_URL", &format!("http://127.0.0.1:{}", config.port)),
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
