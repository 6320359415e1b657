//! Copies by PostgreSQL's own tools.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, postgres::PgConnection};

use super::{
    Contents, Copies, CopyError, Facts, Filling, Including, Moment, Sharing, Stream, export, facts, load,
    member, server::PostgresCopies,
};
use crate::{
    Version,
    databases::{DatabaseError, Name, refused},
};

/// Later than anything else on the server: whoever waits for the copy's locks waits for no longer than this.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";

#[async_trait]
impl Copies for PostgresCopies {
    async fn versions(&self) -> Result<(String, String), CopyError> {
        let mut program = self.programs().program("pg_dump", None)?;
        program.command.arg("--version");
        let told = program.run().await?;
        // `pg_dump (PostgreSQL) 17.10 (Debian …)`.
        let tools = told.split_whitespace().nth(2).unwrap_or_default().to_owned();
        let mut connection = self.databases.connect().await?;
        let server = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await;
        let server: String = server.map_err(refused("ask the server's version"))?;
        Ok((tools, server.split_whitespace().next().unwrap_or_default().to_owned()))
    }

    async fn begin(&self, name: &Name) -> Result<Box<dyn Moment>, CopyError> {
        let mut holding = self.databases.open_patiently(name).await?;
        let held = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";
        sqlx::raw_sql(held).execute(&mut holding).await.map_err(refused("hold a moment"))?;
        let snapshot = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut holding).await;
        let snapshot = snapshot.map_err(refused("hold a moment"))?;
        let facts = facts::all(&mut holding).await?;
        Ok(Box::new(Held { copies: self.clone(), name: *name, snapshot, facts, _holding: holding }))
    }

    async fn begin_member(&self, instance: &Name, sharing: Sharing) -> Result<Box<dyn Moment>, CopyError> {
        member::begin(&self.databases, instance, sharing).await
    }

    async fn contents(&self, dump: Stream) -> Result<Contents, CopyError> {
        let mut program = self.programs().program("pg_restore", None)?;
        program.command.arg("--list");
        Ok(Contents::new(program.feed(dump).await?))
    }

    async fn load(
        &self,
        name: &Name,
        dump: Stream,
        contents: &Contents,
        filling: Filling,
    ) -> Result<Facts, CopyError> {
        load::load(self, name, dump, contents, filling).await
    }

    async fn load_member(
        &self,
        name: &Name,
        script: Stream,
        release: Version,
        filling: Filling,
    ) -> Result<Facts, CopyError> {
        load::load_member(self, name, script, release, filling).await
    }
}

struct Held {
    copies: PostgresCopies,
    name: Name,
    snapshot: String,
    facts: Facts,
    /// The transaction that others read with. It ends with its connection.
    _holding: PgConnection,
}

impl Held {
    /// Another connection that sees the same.
    async fn beside(&self) -> Result<PgConnection, DatabaseError> {
        let mut connection = self.copies.databases.open_patiently(&self.name).await?;
        // The name of a snapshot takes no parameter; the server made it, of digits and hyphens.
        let same = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0;
             SET TRANSACTION SNAPSHOT '{}'",
            self.snapshot.replace('\'', "")
        );
        let same = sqlx::raw_sql(AssertSqlSafe(same)).execute(&mut connection).await;
        same.map_err(refused("see a moment that is held"))?;
        Ok(connection)
    }
}

#[async_trait]
impl Moment for Held {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    async fn dump(&self, including: Including) -> Result<Stream, CopyError> {
        let mut program = self.copies.programs_for(&self.name)?.program("pg_dump", Some(&self.name))?;
        program.command.args([
            "--format=custom",
            "--compress=none",
            "--no-owner",
            "--no-privileges",
            LOCK_WAIT,
        ]);
        program.command.arg(format!("--snapshot={}", self.snapshot));
        // What the platform itself has counted stays with the database that it was counted in.
        program.command.arg("--exclude-table-data=rp9.*");
        for table in including.left_out() {
            program.command.arg(format!("--exclude-table-data=public.{table}"));
        }
        Ok(program.stream()?)
    }

    async fn workflows(&self) -> Result<Stream, CopyError> {
        Ok(export::rows(Box::new(self.beside().await?), export::WORKFLOWS, Ok).await?)
    }

    async fn credentials(&self) -> Result<Stream, CopyError> {
        Ok(export::rows(Box::new(self.beside().await?), export::CREDENTIALS, Ok).await?)
    }
}
