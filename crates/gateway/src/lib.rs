#![doc = include_str!("../README.md")]

mod app;
mod audit;
mod auth;
mod cached;
mod chores;
mod commands;
mod config;
mod exchange;
mod health;
mod http;
mod idempotency;
mod metrics;
mod operations;
mod problem;
mod routes;
mod store;
mod tenants;

use std::sync::Arc;

use common::service::Service;
use tokio::net::TcpListener;

pub use app::{App, RenderMetrics};
pub use chores::forget;
pub use config::Config;
pub use http::server::serve;
pub use routes::{api, describe, edge::edge};

/// Starts the gateway: the API, the edge's port and the chores.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    let (api_bind, edge_bind) = (config.api_bind, config.edge.bind);
    let metrics = service.metrics.clone();
    let app = App::new(
        config,
        service.database.clone(),
        service.bus.clone(),
        service.tasks.clone(),
        Arc::new(move || metrics.render()),
    );
    chores::start(&app);
    serve(&service.tasks, "edge", TcpListener::bind(edge_bind).await?, edge(&app));
    serve(&service.tasks, "api", TcpListener::bind(api_bind).await?, api(&app));
    Ok(())
}
