//! Logs as JSON lines, traces over OpenTelemetry, metrics for Prometheus.

mod json;
mod sampling;
mod trace;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Env, Section};

pub use trace::{adopt, read_traceparent, trace_id, trace_id_of, traceparent, traceparent_of};

/// Seconds; from one fsync to an operation that takes as long as any may.
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
    3600.0,
];

/// What to log, and where traces go.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    level: String,
    otlp_endpoint: Option<String>,
}

impl Section for TelemetryConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let level = env.or("LOG_LEVEL", "info".to_owned());
        let otlp_endpoint = env.optional("OTEL_EXPORTER_OTLP_ENDPOINT");
        Some(Self { level: level?, otlp_endpoint: otlp_endpoint? })
    }
}

/// What must be kept for as long as the process lives.
pub struct Telemetry {
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    traces: SdkTracerProvider,
}

impl Telemetry {
    /// Installs logging, tracing and metrics for this process; once.
    pub fn install(service: &'static str, config: &TelemetryConfig) -> anyhow::Result<Self> {
        let traces = trace_provider(service, config)?;
        tracing_subscriber::registry()
            .with(heard(&config.level)?)
            .with(json::JsonLines::new(service, std::io::stdout))
            .with(tracing_opentelemetry::layer().with_tracer(traces.tracer(service)))
            .try_init()?;
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)?
            .install_recorder()?;
        Ok(Self { metrics, traces })
    }

    /// Sends what is still waiting. Blocks, as the exporter does.
    pub fn flush(&self) {
        if let Err(error) = self.traces.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// What is logged and traced. One filter before both layers: a filter for each keeps what it decided in the thread, and when a library
/// asks whether it would be heard and then says nothing, the next line of that thread is lost.
fn heard(level: &str) -> anyhow::Result<Targets> {
    // Postgres tells a client of everything that was there already; an idempotent service hears little else.
    Ok(level.parse::<Targets>()?.with_target("sqlx::postgres::notice", LevelFilter::ERROR))
}

fn trace_provider(service: &'static str, config: &TelemetryConfig) -> anyhow::Result<SdkTracerProvider> {
    let resource = opentelemetry_sdk::Resource::builder().with_service_name(service).build();
    let builder =
        SdkTracerProvider::builder().with_resource(resource).with_sampler(sampling::worth_telling());
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(builder.build());
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()?;
    Ok(builder.with_batch_exporter(exporter).build())
}
