//! Connections, and the lock that keeps two callers off one name.

use std::time::Duration;

use common::error::{Classify as _, Kind};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::limits::millis;
use super::{DatabaseError, Name, PostgresDatabases};

/// A server that needs longer to let us in is as good as away.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Tells our advisory locks from those of others: "rp9t" in ASCII.
const LOCKS: i32 = 0x7270_3974;

impl PostgresDatabases {
    pub(super) fn login(&self) -> PgConnectOptions {
        PgConnectOptions::clone(&self.options.load())
    }

    /// A connection for ordinary statements.
    pub(crate) async fn connect(&self) -> Result<PgConnection, DatabaseError> {
        connect(&self.limits.ordinary(self.login())).await
    }

    /// A connection to a database of this name.
    pub(super) async fn connect_to(&self, database: &str) -> Result<PgConnection, DatabaseError> {
        connect(&self.limits.ordinary(self.login().database(database))).await
    }

    /// A connection to this tenant's database.
    pub(crate) async fn open(&self, name: &Name) -> Result<PgConnection, DatabaseError> {
        let options = self.limits.ordinary(self.to(name));
        connect(&options).await.map_err(|error| self.absent(name, error))
    }

    /// The same for what takes as long as reading all of it.
    pub(crate) async fn open_patiently(&self, name: &Name) -> Result<PgConnection, DatabaseError> {
        let options = self.limits.patient(self.to(name));
        connect(&options).await.map_err(|error| self.absent(name, error))
    }

    /// The same to one of this name that is being filled.
    pub(crate) async fn open_filled(&self, database: &str) -> Result<PgConnection, DatabaseError> {
        connect(&self.limits.patient(self.login().database(database))).await
    }

    /// How this tenant's database is entered, wherever it is.
    pub(super) fn to(&self, name: &Name) -> PgConnectOptions {
        let elsewhere = self.elsewhere.find(name);
        elsewhere.unwrap_or_else(|| self.login().database(&name.to_string()))
    }

    /// What it means that it cannot be entered. One that is not where somebody else said says nothing of whether there is one.
    pub(super) fn absent(&self, name: &Name, error: DatabaseError) -> DatabaseError {
        // 3D000: there is no such database.
        if is_refusal(&error, "3D000") && self.elsewhere.find(name).is_none() {
            DatabaseError::NoDatabase(*name)
        } else {
            error
        }
    }

    /// A connection that holds the lock of this name until it is dropped. Waits for whoever holds it; after that nobody else's
    /// locks are waited for as long.
    pub(super) async fn lock(&self, name: &str) -> Result<PgConnection, DatabaseError> {
        let mut connection = connect(&self.limits.patient(self.login())).await?;
        let lock =
            sqlx::query("SELECT pg_advisory_lock($1, hashtext($2)), set_config('lock_timeout', $3, false)");
        let lock = lock.bind(LOCKS).bind(name).bind(millis(self.limits.lock));
        lock.execute(&mut connection).await.map_err(refused("lock a name"))?;
        Ok(connection)
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, DatabaseError> {
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
