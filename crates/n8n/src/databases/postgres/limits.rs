//! How long the server may take, so that one that hangs holds nobody for ever.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

/// Limits of what is asked of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one statement.
    pub statement: Duration,
    /// For waiting until somebody else lets go of what a statement needs.
    pub lock: Duration,
    /// For both where whole databases are made and removed: for one statement, and for waiting until nobody else is at work on
    /// the same name. A template's name is held while n8n migrates it.
    pub whole_database: Duration,
}

impl Default for Limits {
    /// Statements on a tenant's tables take milliseconds, counting a million executions a second or two. A copy is a matter of
    /// seconds, the migrations of a template are given five minutes.
    fn default() -> Self {
        Self {
            statement: Duration::from_secs(120),
            lock: Duration::from_secs(30),
            whole_database: Duration::from_secs(600),
        }
    }
}

impl Limits {
    /// Connections on which ordinary statements end in time.
    pub(super) fn ordinary(self, options: PgConnectOptions) -> PgConnectOptions {
        set(options, self.statement, self.lock)
    }

    /// Connections for whole databases.
    pub(super) fn patient(self, options: PgConnectOptions) -> PgConnectOptions {
        set(options, self.whole_database, self.whole_database)
    }
}

/// Sent along with the start of a connection: no round trip, and nothing to forget.
fn set(options: PgConnectOptions, statement: Duration, lock: Duration) -> PgConnectOptions {
    options.options([("statement_timeout", millis(statement)), ("lock_timeout", millis(lock))])
}

/// As the server reads a limit of time.
pub(super) fn millis(limit: Duration) -> String {
    format!("{}ms", limit.as_millis())
}
