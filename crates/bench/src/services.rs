//! The services as they are started for measuring: the shipped programs, configured as deployments configure them.

use secrecy::ExposeSecret;

use crate::{
    caller::{HMAC_SECRET, JWT_SECRET},
    config::Config,
    process::Process,
};

/// Any 32 bytes.
const MASTER_KEY: &str = "YmVuY2htYXJrYmVuY2htYXJrYmVuY2htYXJrYmVuY2g=";
const N8N_VERSION: &str = "2.41.1";

/// The gateway; its API is on the first of our ports.
pub async fn gateway(config: &Config) -> anyhow::Result<Process> {
    let bind = |offset: u16| format!("127.0.0.1:{}", config.port + offset);
    let variables = [
        ("DATABASE_URL", config.database_url.expose_secret().to_owned()),
        ("NATS_URL", config.nats_url.clone()),
        ("API_BIND", bind(0)),
        ("EDGE_BIND", bind(1)),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        ("HMAC_SECRET", HMAC_SECRET.to_owned()),
        ("EDGE_TOKEN", "benchmark".to_owned()),
        ("N8N_VERSION", N8N_VERSION.to_owned()),
    ];
    Process::start(&config.gateway, &[], &variables, config.port + 2).await
}

/// The provisioner's loop on fakes, with the real sagas or with one that has no effects.
pub async fn worker(config: &Config, effects: bool) -> anyhow::Result<Process> {
    let mut variables = site("bench");
    variables.push(("DATABASE_URL", config.database_url.expose_secret().to_owned()));
    variables.push(("NATS_URL", config.nats_url.clone()));
    variables.push(("BENCH_EFFECTS", if effects { "on" } else { "off" }.to_owned()));
    Process::start(&config.own_path, &["worker"], &variables, config.port + 3).await
}

/// A real provisioner with nothing to do: a record and a cluster of its own, on the local engine.
pub async fn idle_provisioner(config: &Config) -> anyhow::Result<Process> {
    let mut variables = site("bench-idle");
    let database = config.idle_database_url.expose_secret().to_owned();
    variables.push(("DATABASE_URL", database.clone()));
    variables.push(("NATS_URL", config.nats_url.clone()));
    variables.push(("TENANT_DATABASE_ADMIN_URL", database));
    variables.push(("TENANT_REDIS_ADMIN_URL", config.redis_url.clone()));
    variables.push(("EDGE_PROBE_URL", format!("http://127.0.0.1:{}", config.port)));
    Process::start(&config.provisioner, &[], &variables, config.port + 4).await
}

fn site(cluster: &str) -> Vec<(&'static str, String)> {
    let pairs = [
        ("CLUSTER_ID", cluster),
        ("N8N_VERSION", N8N_VERSION),
        ("TENANT_DOMAIN", "localhost"),
        ("PUBLIC_SCHEME", "http"),
        ("PUBLIC_PORT", "8000"),
        // Wide enough for every tenant that a run makes.
        ("TENANT_SUBNETS", "10.0.0.0/8"),
        ("MASTER_KEY", MASTER_KEY),
    ];
    pairs.map(|(name, value)| (name, value.to_owned())).to_vec()
}
