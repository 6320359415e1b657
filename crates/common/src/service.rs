//! The skeleton of a service: configuration, telemetry, readiness, tasks, signals, exit code.
//!
//! A service's `main` says what it does; how a process lives and ends is here, once for all. [`run`] is for services that work
//! on the record; [`process`] for a process that must do without it.

mod command;
mod health;
mod metrics;
mod migrate;
mod ops;
mod panics;
pub mod process;
mod readiness;
mod rounds;
mod tasks;
mod work;

use std::{collections::BTreeSet, process::ExitCode, time::Duration};

use backon::{ExponentialBuilder, Retryable};

use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, BusConfig},
    config::{Env, Section},
    database::{self, DatabaseConfig},
    secrets::Followers,
};

pub use command::command;
pub use ops::{Shown, text_of};
pub(crate) use panics::panicked;
pub use process::Process;
pub use readiness::{Latch, Readiness};
pub use rounds::{Interval, Round};
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

/// The same as [`process::names_read`] for a service.
pub fn names_read<C: Section>(env: Env) -> BTreeSet<String> {
    process::names_read::<Whole<C>>(env)
}

/// What a service is given to start with; what it does, it begins with one of the verbs in `work`.
pub struct Service {
    name: &'static str,
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
    /// Who goes on with other secrets when they have changed.
    pub secrets: Followers,
    also_shown: ops::AlsoShown,
    /// Fires when the schema is there.
    usable: CancellationToken,
}

impl Service {
    /// Returns once the record can be used. Whatever asks it by itself begins after that: before, all of it would only complain.
    pub async fn record_is_usable(&self) {
        self.usable.cancelled().await;
    }

    /// Shows this text among the metrics, too.
    pub fn also_show(&self, shown: Shown) {
        self.also_shown.add(shown);
    }
}

/// Runs a service until it is told to stop. `name healthcheck` asks a running one whether it is ready, `name migrate` brings the
/// record's schema up to date and ends.
pub async fn run<C: Section + Send + 'static>(
    name: &'static str,
    start: impl AsyncFnOnce(C, &Service) -> anyhow::Result<()>,
) -> ExitCode {
    if process::command().as_deref() == Some("migrate") {
        return migrate::run(name).await;
    }
    process::run(name, async move |whole: Whole<C>, process: &Process| {
        let (database, login) = database::open(&whole.database, name)?;
        process.secrets.follow(move |config: DatabaseConfig| login.put(&config));
        let bus = Bus::connect(&whole.bus, name).await?;
        let own = bus.clone();
        process.secrets.follow(move |config: BusConfig| own.put_password(config));
        let service = Service {
            name,
            database,
            bus,
            tasks: process.tasks.clone(),
            readiness: process.readiness.clone(),
            metrics: process.metrics.clone(),
            also_shown: process.also_shown.clone(),
            secrets: process.secrets.clone(),
            usable: CancellationToken::new(),
        };
        let schema = service.readiness.latch("database");
        let usable = service.usable.clone();
        service.tasks.spawn("schema", wait_for_schema(service.database.clone(), schema, usable));
        start(whole.own, &service).await
    })
    .await
}

/// The database may come up after us, and somebody else migrates it; ready means that what this release needs is there.
async fn wait_for_schema(pool: sqlx::PgPool, latch: Latch, usable: CancellationToken) {
    let (first, most) = (Duration::from_millis(100), Duration::from_secs(2));
    let forever =
        ExponentialBuilder::default().with_min_delay(first).with_max_delay(most).without_max_times();
    let looked = (|| database::has_schema(&pool)).retry(forever).notify(|error, _| {
        if let Some(why) = latch.explain_error(error) {
            tracing::warn!(error = why, "the record is not usable yet");
        }
    });
    if looked.await.is_ok() {
        latch.release();
        usable.cancel();
    }
}
