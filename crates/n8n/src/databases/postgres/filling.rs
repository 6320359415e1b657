//! A database that somebody fills: nobody else's while that goes on, and not finished until it is said to be.

use sqlx::postgres::PgConnection;

use super::database::{READY, remove};
use super::statement::{identifier, literal, run};
use super::template::create_empty;
use super::{DatabaseError, Name, PostgresDatabases, roles};

/// Holds the name's lock until it is dropped. What was begun and not finished is removed by whoever begins next.
pub(crate) struct BeingFilled {
    session: PgConnection,
    name: String,
}

impl BeingFilled {
    /// Removes what has this name, and makes it anew, empty.
    pub(crate) async fn begin(server: &PostgresDatabases, name: &Name) -> Result<Self, DatabaseError> {
        let text = name.to_string();
        let mut session = server.lock(&text).await?;
        if !roles::exists(&mut session, &text).await? {
            return Err(DatabaseError::NoRole(*name));
        }
        remove(&mut session, &text).await?;
        create_empty(server, &mut session, &text).await?;
        Ok(Self { session, name: text })
    }

    /// It is finished.
    pub(crate) async fn finish(mut self) -> Result<(), DatabaseError> {
        let mark = format!("COMMENT ON DATABASE {} IS {}", identifier(&self.name), literal(READY));
        run(&mut self.session, "mark a database", mark).await
    }
}
