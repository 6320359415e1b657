#![doc = include_str!("../README.md")]

mod accept;
mod certificates;
mod config;
mod follow;
mod gate;
mod hold;
mod memory;
mod metrics;
mod ordered;
mod relay;
mod serve;
mod waiting;
mod watch;

use std::{net::SocketAddr, process::ExitCode};

use axum::Router;
use common::{
    config::Env,
    service::{Process, Tasks},
};
use edge::probe::Prober;
use tokio::net::TcpListener;

pub use config::Config;
use config::StateDir;
use follow::Gateway;
pub use gate::gate;
use hold::Holder;
use memory::Memory;
use relay::Relay;

/// Starts the relay: Traefik's port, the waiting page, and the two that keep both right.
pub async fn start(config: Config, process: &Process) -> anyhow::Result<()> {
    metrics::describe();
    let routes = process.readiness.latch("routes");
    let memory = Memory::at(config.state_dir.0)?;
    let relay = Relay::remember(memory.clone(), config.settings, routes)?;
    let gateway = Gateway::new(config.routes_url, &config.token)?;
    let prober = Prober::through(config.probe_url.as_str())?;
    let tasks = &process.tasks;
    let holder = config.holder_url.map(|url| Holder::at(url, &config.token)).transpose()?;
    serve(tasks, "traefik", TcpListener::bind(config.bind).await?, serve::routes(&relay, config.token));
    serve(tasks, "waiting", TcpListener::bind(config.waiting_bind).await?, waiting::page(holder));
    follow::follow(tasks, relay.clone(), gateway);
    if let Some(keeping) = config.keeping {
        certificates::keep(tasks, relay.clone(), memory, keeping)?;
    }
    tasks.spawn("watch", watch::watch(relay, prober, tasks.stopping()));
    Ok(())
}

/// `edge-relay accept`: lets the relay that runs on the same state follow what it has refused.
pub async fn accept() -> anyhow::Result<ExitCode> {
    let StateDir(folder) = Env::of_process().load()?;
    let refusal = accept::accept(&Memory::at(folder)?).await?;
    println!("accepted, and followed: {refusal}");
    Ok(ExitCode::SUCCESS)
}

fn serve(tasks: &Tasks, name: &'static str, listener: TcpListener, router: Router) {
    let stopping = tasks.stopping().cancelled_owned();
    tasks.spawn(name, async move {
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopping).await {
            tracing::error!(%error, port = name, "a port is closed");
        }
    });
}
