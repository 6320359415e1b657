//! A database that somebody fills: nobody else's while that goes on, and not finished until it is said to be.

use sqlx::postgres::PgConnection;

use super::database::{READY, remove};
use super::statement::{identifier, literal, run};
use super::template::create_empty;
use super::{DatabaseError, Name, PostgresDatabases, clone, roles};
use crate::Version;

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
        let mut being = Self::removed(server, name, database).await?;
        create_empty(server, &mut being.session, (&being.name, &name.to_string())).await?;
        Ok(being)
    }

    /// The same with n8n's tables as this release has them, in which nobody is. They are the tenant's.
    pub(crate) async fn begin_with_tables(
        server: &PostgresDatabases,
        name: &Name,
        database: String,
        template: Version,
    ) -> Result<Self, DatabaseError> {
        let mut being = Self::removed(server, name, database).await?;
        clone::make(server, &mut being.session, (&being.name, name), template).await?;
        Ok(being)
    }

    async fn removed(
        server: &PostgresDatabases,
        name: &Name,
        database: String,
    ) -> Result<Self, DatabaseError> {
        let mut session = server.lock(&database).await?;
        if !roles::exists(&mut session, &name.to_string()).await? {
            return Err(DatabaseError::NoRole(*name));
        }
        remove(&mut session, &database).await?;
        Ok(Self { session, name: database })
    }

    /// It is finished.
    pub(crate) async fn finish(mut self) -> Result<(), DatabaseError> {
        let mark = format!("COMMENT ON DATABASE {} IS {}", identifier(&self.name), literal(READY));
        run(&mut self.session, "mark a database", mark).await
    }
}
