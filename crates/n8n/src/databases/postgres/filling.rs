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
    /// Removes what is called `database`, and makes it anew, empty, with the tenant's role as its guest.
    pub(crate) async fn begin(
        server: &PostgresDatabases,
        name: &Name,
        database: String,
    ) -> Result<Self, DatabaseError> {
        let mut session = server.lock(&database).await?;
        let guest = name.to_string();
        if !roles::exists(&mut session, &guest).await? {
            return Err(DatabaseError::NoRole(*name));
        }
        remove(&mut session, &database).await?;
        create_empty(server, &mut session, (&database, &guest)).await?;
        Ok(Self { session, name: database })
    }

    /// It is finished.
    pub(crate) async fn finish(mut self) -> Result<(), DatabaseError> {
        let mark = format!("COMMENT ON DATABASE {} IS {}", identifier(&self.name), literal(READY));
        run(&mut self.session, "mark a database", mark).await
    }
}
