//! The record: pools of connections to Postgres, and the schema's migrations.

mod fitness;
mod login;
mod migrations;
mod owners;
mod queue;
mod statements;
mod transaction;
mod write_probe;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::config::{Env, Section};

use write_probe::WriteProbe;

pub use fitness::Unfit;
pub use login::Login;
pub use migrations::{MIGRATOR, has_schema, migrate};
pub use owners::{TenantScope, as_owner, owners};
pub use queue::in_order;
pub use statements::Statements;
pub use transaction::begin;

/// How long a request waits for a connection before it is told to come back later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// sqlx's pool pings a connection each time it is given back. Asking again when it is taken would be one more round trip for
/// everything; only one that has been lying about may have died since.
const ALIVE_FOR: Duration = Duration::from_secs(1);

/// Shorter than a lease (15 s): a process that was stopped in the middle of a transaction must not hold locks, which keep
/// others from claiming its operation or from reserving anything, for longer than it may act.
const IDLE_IN_TRANSACTION: &str = "10s";

/// Where the record is.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    url: SecretString,
    connections: u32,
}

impl Section for DatabaseConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let (url, connections) = (env.secret("DATABASE_URL"), env.or("DATABASE_CONNECTIONS", 16));
        let url = url?;
        if url.expose_secret().parse::<PgConnectOptions>().is_err() {
            return env.problem("DATABASE_URL is not a Postgres address".into());
        }
        Some(Self { url, connections: connections? })
    }
}

/// The database cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    // The parser's own message repeats parts of the address, and the address holds a password.
    #[error("DATABASE_URL is not a Postgres address")]
    Address,
    #[error("the database cannot be reached")]
    Connect(#[source] sqlx::Error),
    #[error(transparent)]
    Unfit(Unfit),
    #[error("the schema is not what this release knows")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error("migration {0} has not been applied; `migrate` does that, a command of every service")]
    Behind(i64),
}

/// A pool that connects when first used: services start in any order.
pub fn pool(config: &DatabaseConfig, service: &str) -> Result<PgPool, DatabaseError> {
    Ok(open(config, service)?.0)
}

/// The same, and what puts another login in the place of the one that it connects with.
pub fn open(config: &DatabaseConfig, service: &str) -> Result<(PgPool, Login), DatabaseError> {
    let options = options(config, service)?;
    let begun_with = Arc::new(ArcSwap::from_pointee(options.clone()));
    let pool = pooled(config.connections, ACQUIRE_TIMEOUT, begun_with.clone()).connect_lazy_with(options);
    Ok((pool.clone(), Login::new(pool, begun_with, service)))
}

fn options(config: &DatabaseConfig, service: &str) -> Result<PgConnectOptions, DatabaseError> {
    let options: PgConnectOptions = config.url.expose_secret().parse().map_err(|_| DatabaseError::Address)?;
    Ok(options
        .application_name(service)
        // A statement that takes longer than this is a mistake or a lock; waiting more helps nobody.
        .options([
            ("statement_timeout", "15s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
        ]))
}

/// No connection is handed out before it is known to be as these options say, nor for long after its server has stopped taking
/// writes.
fn pooled(
    connections: u32,
    acquire_timeout: Duration,
    begun_with: Arc<ArcSwap<PgConnectOptions>>,
) -> PgPoolOptions {
    let probe = Arc::new(WriteProbe::default());
    let (made, taken, given) = (probe.clone(), probe.clone(), probe);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(acquire_timeout)
        .after_connect(move |connection, _| {
            let (options, probe) = (begun_with.load_full(), made.clone());
            Box::pin(async move { fitness::check(connection, &options, &probe).await })
        })
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let probe = taken.clone();
            Box::pin(async move {
                Ok(meta.idle_for <= ALIVE_FOR || fitness::is_of_use(connection, &probe).await?)
            })
        })
        .after_release(move |connection, _| {
            let probe = given.clone();
            Box::pin(async move {
                Ok(!probe.asks(Instant::now()) || fitness::is_of_use(connection, &probe).await?)
            })
        })
}
