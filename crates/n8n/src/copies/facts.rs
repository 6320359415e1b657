//! What is in a database, as one transaction sees it.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, postgres::PgConnection};
use time::OffsetDateTime;

use super::Facts;
use crate::databases::{self, Counts, DatabaseError, identifier, refused};

#[derive(sqlx::FromRow)]
struct About {
    at: OffsetDateTime,
    server: String,
    collation: Option<String>,
}

/// When it is, and what the server is that it is on: as yet of an empty database.
pub async fn about(connection: &mut PgConnection) -> Result<Facts, DatabaseError> {
    let about = sqlx::query_as(
        "SELECT transaction_timestamp() AS at, current_setting('server_version') AS server,
                CASE WHEN datcollversion IS NOT NULL THEN datlocprovider::text || ':' || coalesce(datlocale, datcollate) || ':' || datcollversion END AS collation
           FROM pg_database WHERE datname = current_database()",
    );
    let About { at, server, collation } =
        about.fetch_one(connection).await.map_err(refused("look at a database"))?;
    let (rows, counts) = (BTreeMap::new(), Counts::default());
    Ok(Facts { at, server, collation, rows, counts, active: Vec::new(), not_copied: Vec::new() })
}

/// All of it. Counts every row, so it takes as long as reading all tables once.
pub async fn all(connection: &mut PgConnection) -> Result<Facts, DatabaseError> {
    let about = about(&mut *connection).await?;
    let counts = databases::counts(&mut *connection).await?;
    let active = sqlx::query_scalar("SELECT id::text FROM workflow_entity WHERE active ORDER BY id");
    let active = active.fetch_all(&mut *connection).await.map_err(refused("look at what is active"))?;
    let rows = rows(connection).await?;
    Ok(Facts { rows, counts, active, ..about })
}

async fn rows(connection: &mut PgConnection) -> Result<BTreeMap<String, u64>, DatabaseError> {
    let tables = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    );
    let tables: Vec<String> = tables.fetch_all(&mut *connection).await.map_err(refused("look for tables"))?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = format!("SELECT count(*) FROM public.{}", identifier(&table));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut *connection)
            .await
            .map_err(refused("count rows"))?;
        rows.insert(table, count.unsigned_abs());
    }
    Ok(rows)
}
