//! The skeleton of a service: configuration, telemetry, readiness, tasks, signals, exit code.
//!
//! A service's `main` says what it does; how a process lives and ends is here, once for all.

mod health;
mod ops;
mod readiness;
mod tasks;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use crate::{
    bus::{Bus, BusConfig},
    config::{Env, Section},
    database::{self, DatabaseConfig},
    telemetry::{Telemetry, TelemetryConfig},
};

pub use readiness::{Latch, Readiness};
pub use tasks::Tasks;

/// What every service is told.
struct Skeleton {
    database: DatabaseConfig,
    bus: BusConfig,
    telemetry: TelemetryConfig,
    ops_bind: SocketAddr,
    stop_deadline: Duration,
}

impl Section for Skeleton {
    fn read(env: &mut Env) -> Option<Self> {
        let (database, bus) = (DatabaseConfig::read(env), BusConfig::read(env));
        let telemetry = TelemetryConfig::read(env);
        let ops_bind = env.or("OPS_BIND", SocketAddr::from(([0, 0, 0, 0], 9090)));
        let stop_deadline = env.or("STOP_DEADLINE_SECONDS", 10);
        Some(Self {
            database: database?,
            bus: bus?,
            telemetry: telemetry?,
            ops_bind: ops_bind?,
            stop_deadline: Duration::from_secs(stop_deadline?),
        })
    }
}

/// The skeleton's configuration and the service's own, read together so that all problems show at once.
struct Whole<C>(Skeleton, C);

impl<C: Section> Section for Whole<C> {
    fn read(env: &mut Env) -> Option<Self> {
        let (skeleton, own) = (Skeleton::read(env), C::read(env));
        Some(Self(skeleton?, own?))
    }
}

/// What a service is given to start with.
pub struct Service {
    /// The record.
    pub database: sqlx::PgPool,
    /// The transport.
    pub bus: Bus,
    /// Work that stopping waits for.
    pub tasks: Tasks,
    /// What must be usable before this service says it is ready.
    pub readiness: Readiness,
    /// Renders the metrics.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
}

/// Runs a service until it is told to stop. `name healthcheck` asks a running one whether it is ready.
pub async fn run<C: Section>(
    name: &'static str,
    start: impl AsyncFnOnce(C, &Service) -> anyhow::Result<()>,
) -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("healthcheck") {
        return health::check().await;
    }
    match live(name, start).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Telemetry may not exist yet, and an operator needs to see this in any case.
            eprintln!(
                "{}",
                serde_json::json!({ "level": "error", "service": name, "msg": format!("{error:#}") })
            );
            ExitCode::FAILURE
        }
    }
}

async fn live<C: Section>(
    name: &'static str,
    start: impl AsyncFnOnce(C, &Service) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // Fails only if a provider is installed already, and then there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Whole(skeleton, own) = Env::of_process().load::<Whole<C>>()?;
    let telemetry = Telemetry::install(name, &skeleton.telemetry)?;
    let service = Service {
        database: database::pool(&skeleton.database, name)?,
        bus: Bus::connect(&skeleton.bus, name).await?,
        tasks: Tasks::default(),
        readiness: Readiness::default(),
        metrics: telemetry.metrics.clone(),
    };
    let schema = service.readiness.latch("database");
    ops::serve(&service, skeleton.ops_bind).await?;
    service.tasks.spawn("migrate", migrate_when_reachable(service.database.clone(), schema));
    start(own, &service).await?;
    tracing::info!("started");

    stop_signal(&service.tasks).await;
    tracing::info!("stopping");
    service.readiness.withdraw();
    if service.tasks.finish(skeleton.stop_deadline).await.is_err() {
        tracing::warn!(
            "some work did not finish in time; its lease will end and another worker will take it up"
        );
    }
    tokio::task::spawn_blocking(move || telemetry.flush()).await?;
    Ok(())
}

/// The database may come up after us; ready means the schema is there.
async fn migrate_when_reachable(pool: sqlx::PgPool, latch: Latch) {
    use backon::{ExponentialBuilder, Retryable};
    let forever = ExponentialBuilder::default().with_max_delay(Duration::from_secs(5)).without_max_times();
    let migrated = (|| database::migrate(&pool))
        .retry(forever)
        .notify(|error, _| {
            tracing::warn!(error = crate::error::chain(error), "the database is not usable yet");
            latch.explain(error.to_string());
        })
        .await;
    if migrated.is_ok() {
        latch.release();
    }
}

async fn stop_signal(tasks: &Tasks) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut stream) => stream.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
        () = tasks.broken() => {}
    }
}
