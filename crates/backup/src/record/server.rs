//! The server that the record is on, as PostgreSQL's programs and patient connections reach it.

use std::{fmt, path::PathBuf};

use n8n::copies::{Program, Programs};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use super::RecordError;

/// A copy takes as long as it takes: whoever runs it ends it.
const PATIENTLY: [(&str, &str); 3] =
    [("statement_timeout", "0"), ("lock_timeout", "60s"), ("idle_in_transaction_session_timeout", "0")];

/// The record's server. Cheap to clone; it always goes by the pool's own login, which may be changed meanwhile.
#[derive(Clone)]
pub struct Server {
    pool: PgPool,
    /// Where PostgreSQL's programs are, if not in the PATH.
    folder: Option<PathBuf>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// Where this pool leads.
    pub fn new(pool: PgPool, folder: Option<PathBuf>) -> Self {
        Self { pool, folder }
    }

    /// As everybody else asks the record.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection of our own, on which nothing is cut off for taking long.
    pub async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let options = self.pool.connect_options().as_ref().clone().options(PATIENTLY);
        PgConnection::connect_with(&options).await
    }

    /// A program that is about to work on the record.
    pub fn program(&self, name: &'static str) -> Result<Program, RecordError> {
        let options = self.pool.connect_options();
        let database = options.get_database().ok_or(RecordError::Address)?;
        let url = options.to_url_lossy().to_string().into();
        let programs = Programs::new(&url, self.folder.clone()).ok_or(RecordError::Address)?;
        let mut program = programs.program(name, None)?;
        program.command.env("PGDATABASE", database);
        Ok(program)
    }

    /// Programs that read dumps, and need no server for it.
    pub fn readers(&self) -> Programs {
        Programs::of_no_server(self.folder.clone())
    }
}
