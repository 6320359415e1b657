#![doc = include_str!("../README.md")]

mod admission;
mod app;
mod audit;
mod auth;
mod background;
mod backups;
mod cached;
mod commands;
mod config;
mod drills;
mod events;
mod exchange;
#[cfg(test)]
mod fuzz;
mod health;
mod http;
mod idempotency;
mod jobs;
mod keys;
mod log_followers;
mod metrics;
mod offer;
mod operations;
mod pressure;
mod problem;
mod rates;
mod replays;
mod rollouts;
mod routes;
mod sandboxes;
mod shared_instances;
mod store;
mod tenants;
mod vocabulary;

use std::sync::Arc;

use common::service::Service;
use tokio::net::TcpListener;

pub use app::{App, Dependencies};
pub use background::{start_events, start_replays, watch_pressure};
pub use config::Config;
pub use http::server::{Sockets, serve};
pub use jobs::{
    retention::forget,
    runner, schedules as declared_schedules,
    settings::{OPERATIONS_KEPT_DAYS, Settings as JobSettings},
};
pub use routes::{api, describe, edge::edge};

/// Starts the gateway: the API, the edge's port, the work in the background and the schedules.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    let (api_bind, edge_bind, sockets) = (config.api_bind, config.edge_bind, config.sockets);
    let (holder, edge_token) = (config.holder.clone(), config.edge_token.clone());
    let (metrics, jobs) = (service.metrics.clone(), config.jobs);
    let given = Dependencies {
        database: service.database.clone(),
        bus: service.bus.clone(),
        tasks: service.tasks.clone(),
        readiness: service.readiness.clone(),
        render_metrics: Arc::new(move || metrics.render()),
        secrets: service.secrets.clone(),
    };
    let app = App::new(config, given);
    let runner = runner(&app.database, jobs)?;
    serve(&service.tasks, "edge", TcpListener::bind(edge_bind).await?, edge(&app), sockets);
    serve(&service.tasks, "api", TcpListener::bind(api_bind).await?, api(&app), sockets);
    service.record_is_usable().await;
    background::start(&app);
    if let Some(held) = holder::start(&holder, (&app.database, &app.tasks), edge_token)? {
        service.also_show(held.shown);
        serve(&service.tasks, "holder", TcpListener::bind(holder.bind).await?, held.port, sockets);
    }
    runner.spawn(&app.tasks);
    Ok(())
}
