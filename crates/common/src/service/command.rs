//! What a service is asked to do once, by a word behind its name, on the record; then it ends.

use std::{process::ExitCode, time::Duration};

use backon::{ConstantBuilder, RetryableWithContext as _};
use sqlx::PgPool;

use super::process;
use crate::{
    config::{Env, Section},
    database::{self, DatabaseConfig},
    error::chain,
    secrets::{BackendConfig, Source},
    telemetry::{Telemetry, TelemetryConfig},
};

/// For what is only starting. What is wrong for longer is told to whoever ran the command.
pub(super) fn patiently() -> ConstantBuilder {
    ConstantBuilder::default().with_delay(Duration::from_secs(1)).with_max_times(60)
}

struct Beginning {
    telemetry: TelemetryConfig,
    backend: BackendConfig,
}

impl Section for Beginning {
    fn read(env: &mut Env) -> Option<Self> {
        let (telemetry, backend) = (TelemetryConfig::read(env), BackendConfig::read(env));
        Some(Self { telemetry: telemetry?, backend: backend? })
    }
}

/// The record, and what the command needs besides.
struct Whole<C>(DatabaseConfig, C);

impl<C: Section> Section for Whole<C> {
    fn read(env: &mut Env) -> Option<Self> {
        let (beginning, database, own) = (Beginning::read(env), DatabaseConfig::read(env), C::read(env));
        beginning.and(Some(Self(database?, own?)))
    }
}

/// A command that needs nothing but the record.
pub(super) struct Nothing;

impl Section for Nothing {
    fn read(_: &mut Env) -> Option<Self> {
        Some(Self)
    }
}

/// Runs a command of the service of this name, with its settings.
pub async fn command<C: Section>(
    name: &'static str,
    work: impl AsyncFnOnce(PgPool, C) -> anyhow::Result<()>,
) -> ExitCode {
    process::exit(name, live(name, work).await)
}

async fn live<C: Section>(
    name: &'static str,
    work: impl AsyncFnOnce(PgPool, C) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    process::install_tls();
    let env = Env::of_process();
    env.clone().check_before_backend::<Whole<C>>()?;
    let Beginning { telemetry, backend } = env.clone().load()?;
    let telemetry = Telemetry::install(name, &telemetry)?;
    let ended = begin(name, Source::new(env, backend, name)?, work).await;
    tokio::task::spawn_blocking(move || telemetry.flush()).await?;
    ended
}

async fn begin<C: Section>(
    name: &'static str,
    source: Source,
    work: impl AsyncFnOnce(PgPool, C) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let read = async |mut source: Source| {
        let env = source.read().await;
        (source, env)
    };
    let (_, env) = read
        .retry(patiently())
        .context(source)
        .notify(|error, _| tracing::warn!(error = chain(error), "there are no secrets yet"))
        .await;
    let Whole(database, own) = env?.load::<Whole<C>>()?;
    work(database::pool(&database, name)?, own).await
}
