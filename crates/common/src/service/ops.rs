//! The port for those who run the service: `/live`, `/ready`, `/metrics`.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{Router, http::StatusCode, routing::get};

use super::{Interval, Process};

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
    process.tasks.every(Interval::new("metrics-upkeep", UPKEEP_EVERY), move || {
        upkeep.run_upkeep();
        async { Ok::<_, Infallible>(()) }
    });
    Ok(())
}
