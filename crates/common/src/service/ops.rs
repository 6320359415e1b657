//! The port for those who run the service: `/live`, `/ready`, `/metrics`.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, http::StatusCode, routing::get};

use super::Process;

/// Histogram samples pile up until somebody folds them; nobody may be scraping.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Serves the port until the process stops.
pub async fn serve(process: &Process, bind: SocketAddr) -> anyhow::Result<()> {
    let (readiness, metrics) = (process.readiness.clone(), process.metrics.clone());
    let upkeep = process.metrics.clone();
    let routes = Router::new()
        .route("/live", get(async || "alive"))
        .route(
            "/ready",
            get(async move || match readiness.check() {
                Ok(()) => (StatusCode::OK, "ready".to_owned()),
                Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
            }),
        )
        .route("/metrics", get(async move || metrics.render()));
    let listener = tokio::net::TcpListener::bind(bind).await?;
    let stopping = process.tasks.stopping();
    process.tasks.spawn("ops", async move {
        let shutdown = stopping.clone().cancelled_owned();
        let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown);
        if let Err(error) = server.await {
            tracing::error!(%error, "the operators' port is closed");
        }
    });
    let stopping = process.tasks.stopping();
    process.tasks.spawn("metrics-upkeep", async move {
        let mut tick = tokio::time::interval(UPKEEP_EVERY);
        while stopping.run_until_cancelled(tick.tick()).await.is_some() {
            upkeep.run_upkeep();
        }
    });
    Ok(())
}
