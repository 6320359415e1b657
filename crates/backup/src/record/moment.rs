//! A moment of the record that is held while it is copied.

use std::collections::BTreeMap;

use common::id::RecordId;
use n8n::copies::Stream;
use sqlx::{AssertSqlSafe, PgConnection};
use time::OffsetDateTime;

use super::{RecordError, Server};

/// What was there.
#[derive(Debug, Clone)]
pub struct Facts {
    pub at: OffsetDateTime,
    pub record: RecordId,
    /// The newest migration that was applied.
    pub schema: i64,
    pub server: String,
    pub collation: Option<String>,
    pub rows: BTreeMap<String, u64>,
}

/// Let go when it is dropped.
pub struct Held {
    server: Server,
    snapshot: String,
    pub facts: Facts,
    /// The transaction that the dump reads with. It ends with its connection.
    _holding: PgConnection,
}

#[derive(sqlx::FromRow)]
struct About {
    at: OffsetDateTime,
    record: RecordId,
    schema: i64,
    server: String,
    collation: Option<String>,
}

impl Held {
    /// From now on.
    pub async fn begin(server: &Server) -> Result<Self, RecordError> {
        let mut holding = server.connect().await?;
        sqlx::raw_sql("begin isolation level repeatable read read only").execute(&mut holding).await?;
        let snapshot = sqlx::query_scalar("select pg_export_snapshot()").fetch_one(&mut holding).await?;
        let about = "select transaction_timestamp() as at, (select id from record_identity) as record,
                            (select max(version) from _sqlx_migrations where success) as schema,
                            split_part(current_setting('server_version'), ' ', 1) as server,
                            case when datcollversion is not null
                                 then datlocprovider::text || ':' || coalesce(datlocale, datcollate) || ':' || datcollversion end as collation
                       from pg_database where datname = current_database()";
        let About { at, record, schema, server: version, collation } =
            sqlx::query_as(about).fetch_one(&mut holding).await?;
        let rows = rows(&mut holding).await?;
        let facts = Facts { at, record, schema, server: version, collation, rows };
        Ok(Self { server: server.clone(), snapshot, facts, _holding: holding })
    }

    /// All of it, in PostgreSQL's custom format, not compressed; whom it belongs to whoever loads it decides.
    pub fn dump(&self) -> Result<Stream, RecordError> {
        let mut program = self.server.program("pg_dump")?;
        program.command.args(["--format=custom", "--compress=none", "--no-owner"]);
        // Its owner is let through by a policy, too (docs/adr/0013). Rows that one day are not would be missed in the count of them.
        program.command.arg("--enable-row-security");
        // Whoever waits behind its locks waits for no longer than this.
        program.command.arg("--lock-wait-timeout=60s");
        program.command.arg(format!("--snapshot={}", self.snapshot));
        Ok(program.stream()?)
    }
}

/// Of every table, partitions by themselves.
pub async fn rows(connection: &mut PgConnection) -> Result<BTreeMap<String, u64>, sqlx::Error> {
    // The server itself quotes the names.
    let counting = "select string_agg(format('select %L as name, count(*) as rows from public.%I', relname, relname), ' union all ')
                      from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace";
    let counting: Option<String> = sqlx::query_scalar(counting).fetch_one(&mut *connection).await?;
    let Some(counting) = counting else { return Ok(BTreeMap::new()) };
    let rows: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(counting)).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(table, rows)| (table, rows.unsigned_abs())).collect())
}
