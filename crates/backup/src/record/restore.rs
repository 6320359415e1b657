//! The record comes back from a copy of it, into a database that nobody works on.

use std::collections::BTreeMap;

use common::database;
use objects::{Objects, Stream};
use sqlx::{Connection as _, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Opened, RecordError, Server, moment};
use crate::Damage;

/// What is done with a record that has something in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Former {
    /// It stays, and nothing is restored.
    Kept,
    /// It goes.
    Overwritten,
}

/// What the record is filled with.
pub struct Filling {
    /// Of the copy that it comes from, for whoever asks later.
    pub from: String,
    /// When it was so.
    pub of: OffsetDateTime,
    pub rows: BTreeMap<String, u64>,
    /// In `pg_dump`'s custom format.
    pub dump: Stream,
}

impl Opened {
    /// Fills the record from this set.
    pub async fn restore(
        &self,
        server: &Server,
        objects: &dyn Objects,
        former: Former,
    ) -> Result<Recovered, RecordError> {
        may_be_filled(server, former).await?;
        let dump = self.dump(objects).await?;
        let (from, of) = (self.folder.as_str().to_owned(), self.manifest.taken_at);
        Filling { from, of, rows: self.manifest.rows.clone(), dump }.fill(server, former).await
    }
}

impl Filling {
    /// Fills the record, brings it up to this release, and does what has to be done before anybody works on it. Killed at any moment, it is begun
    /// again with [`Former::Overwritten`].
    pub async fn fill(self, server: &Server, former: Former) -> Result<Recovered, RecordError> {
        may_be_filled(server, former).await?;
        let mut connection = server.connect().await?;
        empty(&mut connection).await?;
        let mut program = server.program("pg_restore")?;
        // All of it or nothing.
        program.command.args(["--single-transaction", "--exit-on-error", "--no-owner"]);
        let database = server.pool().connect_options().get_database().unwrap_or_default().to_owned();
        program.command.arg(format!("--dbname={database}"));
        program.feed(self.dump).await?;
        is_whole(&self.rows, &moment::rows(&mut connection).await?)?;
        sqlx::raw_sql("analyze").execute(&mut connection).await?;
        connection.close().await?;
        database::migrate(server.pool()).await?;
        recovered(server, &self.from, self.of).await
    }
}

/// Fails unless nobody works on the record, and what it has may go.
pub async fn may_be_filled(server: &Server, former: Former) -> Result<(), RecordError> {
    let mut connection = server.connect().await?;
    is_alone(&mut connection).await?;
    if former == Former::Kept && has_something(&mut connection).await? {
        let why = "the record has tenants or operations in it; say --overwrite if they are to go";
        return Err(RecordError::Refused(why));
    }
    Ok(connection.close().await?)
}

/// What followed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Recovered {
    pub set: String,
    #[serde(with = "time::serde::rfc3339")]
    pub restored_to: OffsetDateTime,
    pub operations_continued: i64,
    pub operations_ended: i64,
}

async fn recovered(server: &Server, from: &str, of: OffsetDateTime) -> Result<Recovered, RecordError> {
    let mut connection = server.connect().await?;
    let note = sqlx::query_scalar("select note_recovery($1, $2)");
    let note = note.bind(from).bind(of);
    let recovery: Uuid = note.fetch_one(&mut connection).await?;
    let told =
        "select set, restored_to, operations_continued, operations_ended from recoveries where id = $1";
    Ok(sqlx::query_as(told).bind(recovery).fetch_one(&mut connection).await?)
}

/// Whoever else is in it would go on with what is about to go.
async fn is_alone(connection: &mut PgConnection) -> Result<(), RecordError> {
    let others = "select exists (select from pg_stat_activity
                                  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend')";
    match sqlx::query_scalar(others).fetch_one(connection).await? {
        true => Err(RecordError::Refused("somebody works on the record: stop the services first")),
        false => Ok(()),
    }
}

/// More than what a new one has.
async fn has_something(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let there =
        "select to_regclass('public.tenants') is not null and to_regclass('public.operations') is not null";
    if !sqlx::query_scalar(there).fetch_one(&mut *connection).await? {
        return Ok(false);
    }
    let something = "select exists (select from tenants) or exists (select from operations)";
    sqlx::query_scalar(something).fetch_one(connection).await
}

/// As the server made it.
async fn empty(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let anything = "select exists (select from pg_class where relnamespace = 'public'::regnamespace)
                        or exists (select from pg_proc where pronamespace = 'public'::regnamespace)";
    if sqlx::query_scalar(anything).fetch_one(&mut *connection).await? {
        let anew = "begin; drop schema public cascade; create schema public; grant usage on schema public to public; commit";
        sqlx::raw_sql(anew).execute(connection).await?;
    }
    Ok(())
}

/// Every row of every table.
fn is_whole(written: &BTreeMap<String, u64>, loaded: &BTreeMap<String, u64>) -> Result<(), Damage> {
    let differs = |(table, rows): &(&String, &u64)| loaded.get(*table) != Some(*rows);
    match written.iter().find(differs) {
        None => Ok(()),
        Some((table, rows)) => {
            let found = loaded.get(table).copied().unwrap_or_default();
            Err(Damage::of("database", format!("has {found} rows in {table}, and {rows} when it was made")))
        }
    }
}
