//! The port for those who run the service: `/live`, `/ready`, `/metrics`.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};

use metrics_exporter_prometheus::PrometheusHandle;
use prometheus_client::{collector::Collector, encoding::text::encode_registry, registry::Registry};

use super::{Interval, Readiness, Tasks};

/// Histogram samples pile up until somebody folds them; nobody may be scraping.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Text that is shown beside what the recorder holds: for series that come and go with what they are of, which a recorder keeps for ever.
pub type Shown = Arc<dyn Fn() -> String + Send + Sync>;

/// What this tells at the moment, as such text.
pub fn text_of(collector: impl Collector) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(collector));
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = encode_registry(&mut text, &registry);
    text
}

/// All of it.
#[derive(Clone, Default)]
pub struct AlsoShown(Arc<Mutex<Vec<Shown>>>);

impl AlsoShown {
    pub fn add(&self, shown: Shown) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
    }

    fn render(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|shown| shown()).collect()
    }
}

/// Serves the port until the process stops.
pub async fn serve(
    bind: SocketAddr,
    tasks: &Tasks,
    readiness: Readiness,
    metrics: PrometheusHandle,
    also: AlsoShown,
) -> anyhow::Result<()> {
    let upkeep = metrics.clone();
    let routes = Router::new()
        .route("/live", get(async || "alive"))
        .route(
            "/ready",
            get(async move || match readiness.check() {
                Ok(()) => (StatusCode::OK, "ready".to_owned()),
                Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
            }),
        )
        .route("/metrics", get(async move || metrics.render() + &also.render()));
    let listener = tokio::net::TcpListener::bind(bind).await?;
    let stopping = tasks.stopping();
    tasks.spawn("ops", async move {
        let shutdown = stopping.clone().cancelled_owned();
        let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown);
        if let Err(error) = server.await {
            tracing::error!(%error, "the operators' port is closed");
        }
    });
    tasks.every(Interval::new("metrics-upkeep", UPKEEP_EVERY), move || {
        upkeep.run_upkeep();
        async { Ok::<_, Infallible>(()) }
    });
    Ok(())
}
