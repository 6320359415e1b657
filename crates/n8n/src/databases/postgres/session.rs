//! Connections, and the lock that keeps two callers off one name.

use std::time::Duration;

use common::error::{Classify as _, Kind};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::limits::millis;
use super::{DatabaseError, PostgresDatabases};

/// A server that needs longer to let us in is as good as away.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Tells our advisory locks from those of others: "rp9t" in ASCII.
pub(super) const LOCKS: i32 = 0x7270_3974;

impl PostgresDatabases {
    pub(super) fn login(&self) -> PgConnectOptions {
        self.login.load().options.clone()
    }

    /// A connection for ordinary statements.
    pub(crate) async fn connect(&self) -> Result<PgConnection, DatabaseError> {
        connect(&self.limits.ordinary(self.login())).await
    }

    /// A connection that holds the lock of this name until it is dropped. Waits for whoever holds it; after that nobody else's
    /// locks are waited for as long.
    pub(super) async fn lock(&self, name: &str) -> Result<PgConnection, DatabaseError> {
        let mut connection = connect(&self.limits.patient(self.login())).await?;
        hold(&mut connection, name).await?;
        let others = sqlx::query("SELECT set_config('lock_timeout', $1, false)");
        let others = others.bind(millis(self.limits.lock)).execute(&mut connection).await;
        others.map_err(refused("lock a name"))?;
        Ok(connection)
    }
}

/// This connection holds the lock of this name too, until it is dropped: a tenant's before its keeper's, never the other way round.
pub(super) async fn hold(session: &mut PgConnection, name: &str) -> Result<(), DatabaseError> {
    let lock = sqlx::query("SELECT pg_advisory_lock($1, hashtext($2))").bind(LOCKS).bind(name);
    lock.execute(session).await.map(drop).map_err(refused("lock a name"))
}

pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, DatabaseError> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
    connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(refused("connect"))
}

/// Sorts a failure: the server being away passes, its refusal does not; what takes too long may do so each time.
pub(crate) fn refused(what: &'static str) -> impl Fn(sqlx::Error) -> DatabaseError {
    move |error| {
        if error.kind() == Kind::Timeout {
            return DatabaseError::TooSlow(what, error);
        }
        // Also a database that somebody is still in, or that is being made, copied or removed this moment.
        if error.kind().is_transient() {
            DatabaseError::Unavailable(error)
        } else {
            DatabaseError::Refused(what, error)
        }
    }
}

/// Whether the server refused with this code.
pub(super) fn is_refusal(error: &DatabaseError, code: &str) -> bool {
    matches!(error, DatabaseError::Refused(_, cause) if has_code(cause, code))
}

pub(crate) fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(|database| database.code()).as_deref() == Some(code)
}
