//! `<service> migrate`: brings the record's schema up to date and ends. Any service can, and knows its own release's migrations; the
//! services themselves only wait for the schema.

use std::{process::ExitCode, time::Duration};

use backon::{ConstantBuilder, Retryable};

use super::process;
use crate::{
    config::{Env, Section},
    database::{self, DatabaseConfig, DatabaseError},
    error::chain,
    telemetry::{Telemetry, TelemetryConfig},
};

/// For a record that is only starting. What is wrong for longer is told to whoever ran the command.
const PAUSE: Duration = Duration::from_secs(1);
const TRIES: usize = 60;

struct Config {
    telemetry: TelemetryConfig,
    database: DatabaseConfig,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (telemetry, database) = (TelemetryConfig::read(env), DatabaseConfig::read(env));
        Some(Self { telemetry: telemetry?, database: database? })
    }
}

/// Success when the schema has all that this release knows.
pub(super) async fn run(name: &'static str) -> ExitCode {
    process::exit(name, migrate(name).await)
}

async fn migrate(name: &'static str) -> anyhow::Result<()> {
    process::install_tls();
    let config = Env::of_process().load::<Config>()?;
    let telemetry = Telemetry::install(name, &config.telemetry)?;
    let pool = database::pool(&config.database, name)?;
    let patiently = ConstantBuilder::default().with_delay(PAUSE).with_max_times(TRIES);
    let migrated = (|| database::migrate(&pool))
        .retry(patiently)
        .when(|error| matches!(error, DatabaseError::Connect(_)))
        .notify(|error, _| tracing::warn!(error = chain(error), "the record cannot be migrated yet"))
        .await;
    if migrated.is_ok() {
        tracing::info!("the schema is up to date");
    }
    tokio::task::spawn_blocking(move || telemetry.flush()).await?;
    Ok(migrated?)
}
