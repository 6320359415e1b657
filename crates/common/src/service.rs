//! The skeleton of a service: configuration, telemetry, readiness, tasks, signals, exit code.
//!
//! A service's `main` says what it does; how a process lives and ends is here, once for all. [`run`] is for services that work
//! on the record; [`process`] for a process that must do without it.

mod health;
mod ops;
pub mod process;
mod readiness;
mod tasks;

use std::{process::ExitCode, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, BusConfig},
    config::{Env, Section},
    database::{self, DatabaseConfig},
};

pub use process::Process;
pub use readiness::{Latch, Readiness};
pub use tasks::Tasks;

/// What every service is told besides what every process is, and its own configuration.
struct Whole<C> {
    database: DatabaseConfig,
    bus: BusConfig,
    own: C,
}

impl<C: Section> Section for Whole<C> {
    fn read(env: &mut Env) -> Option<Self> {
        let (database, bus, own) = (DatabaseConfig::read(env), BusConfig::read(env), C::read(env));
        Some(Self { database: database?, bus: bus?, own: own? })
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
    /// Fires when the schema is there.
    migrated: CancellationToken,
}

impl Service {
    /// Returns once the record can be used. Whatever asks it by itself begins after that: before, all of it would only complain.
    pub async fn record_is_usable(&self) {
        self.migrated.cancelled().await;
    }
}

/// Runs a service until it is told to stop. `name healthcheck` asks a running one whether it is ready.
pub async fn run<C: Section>(
    name: &'static str,
    start: impl AsyncFnOnce(C, &Service) -> anyhow::Result<()>,
) -> ExitCode {
    process::run(name, async move |whole: Whole<C>, process: &Process| {
        let service = Service {
            database: database::pool(&whole.database, name)?,
            bus: Bus::connect(&whole.bus, name).await?,
            tasks: process.tasks.clone(),
            readiness: process.readiness.clone(),
            metrics: process.metrics.clone(),
            migrated: CancellationToken::new(),
        };
        let schema = service.readiness.latch("database");
        let migrated = service.migrated.clone();
        service.tasks.spawn("migrate", migrate_when_reachable(service.database.clone(), schema, migrated));
        start(whole.own, &service).await
    })
    .await
}

/// The database may come up after us; ready means the schema is there.
async fn migrate_when_reachable(pool: sqlx::PgPool, latch: Latch, done: CancellationToken) {
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
        done.cancel();
    }
}
