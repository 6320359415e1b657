//! Copies by PostgreSQL's own tools.

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{AssertSqlSafe, postgres::PgConnection};

use super::{
    Contents, Copies, CopyError, Facts, Filling, Including, Moment, Stream, export, facts, load,
    process::Programs,
};
use crate::databases::{AdminUrlError, DatabaseError, Name, PostgresDatabases, refused};

/// Later than anything else on the server: whoever waits for the copy's locks waits for no longer than this.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";

/// The real ones. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct PostgresCopies {
    pub(super) databases: PostgresDatabases,
    programs: Arc<ArcSwap<Programs>>,
    folder: Option<PathBuf>,
}

impl PostgresCopies {
    /// Of the databases on this server. `folder`: where PostgreSQL's programs are, if not in the PATH.
    pub fn new(admin_url: &SecretString, folder: Option<PathBuf>) -> Result<Self, AdminUrlError> {
        let databases = PostgresDatabases::new(admin_url.expose_secret())?;
        let programs = programs(admin_url, folder.clone())?;
        Ok(Self { databases, programs: Arc::new(ArcSwap::from_pointee(programs)), folder })
    }

    /// Goes on with another login to the same server.
    pub fn put_url(&self, admin_url: &SecretString) -> Result<(), AdminUrlError> {
        self.databases.put_url(admin_url.expose_secret())?;
        self.programs.store(Arc::new(programs(admin_url, self.folder.clone())?));
        Ok(())
    }

    pub(super) fn programs(&self) -> Arc<Programs> {
        self.programs.load_full()
    }
}

fn programs(admin_url: &SecretString, folder: Option<PathBuf>) -> Result<Programs, AdminUrlError> {
    let unusable = || AdminUrlError(sqlx::Error::Configuration("it names no host".into()));
    Programs::new(admin_url, folder).ok_or_else(unusable)
}

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
        let mut program = self.copies.programs().program("pg_dump", Some(&self.name))?;
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
        Ok(export::rows(self.beside().await?, export::WORKFLOWS).await?)
    }

    async fn credentials(&self) -> Result<Stream, CopyError> {
        Ok(export::rows(self.beside().await?, export::CREDENTIALS).await?)
    }
}
