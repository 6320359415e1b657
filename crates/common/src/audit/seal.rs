//! Chaining what was written since.

use std::fmt;

use sqlx::{FromRow, PgPool, PgTransaction};

use super::row::{COLUMNS, Row};
use crate::database;

/// Chained with one statement. A flood of entries is worked off batch after batch.
const BATCH: i64 = 1000;
/// Any number that no other advisory lock of this database has.
const LOCK: i64 = 0x7270_3961_7564_6974;

/// A place of the chain and the hash there. Kept elsewhere, it holds everything up to it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Anchor {
    pub position: i64,
    pub hash: Vec<u8>,
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, hex::encode(&self.hash))
    }
}

/// Chains every row that is not, the oldest first. Returns how many; none when somebody else is at it.
pub async fn seal(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut sealed = 0;
    loop {
        let mut transaction = database::begin(pool).await?;
        let alone = sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(LOCK);
        if !alone.fetch_one(&mut *transaction).await? {
            return Ok(sealed);
        }
        let batch = seal_batch(&mut transaction).await?;
        transaction.commit().await?;
        sealed += batch as u64;
        if (batch as i64) < BATCH {
            return Ok(sealed);
        }
    }
}

async fn seal_batch(transaction: &mut PgTransaction<'_>) -> Result<usize, sqlx::Error> {
    let unsealed =
        format!("select {COLUMNS} from audit_logs where position is null order by at, id limit $1");
    let unsealed = sqlx::query_as(sqlx::AssertSqlSafe(unsealed)).bind(BATCH);
    let rows: Vec<Row> = unsealed.fetch_all(&mut **transaction).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut head: Anchor =
        sqlx::query_as("select position, hash from audit_head").fetch_one(&mut **transaction).await?;
    let (mut ids, mut positions, mut previous, mut hashes) = (vec![], vec![], vec![], vec![]);
    for row in &rows {
        let position = head.position + 1;
        let hash = row.hash(position, &head.hash);
        ids.push(row.id);
        positions.push(position);
        previous.push(std::mem::replace(&mut head.hash, hash.clone()));
        hashes.push(hash);
        head.position = position;
    }
    sqlx::query(
        "with sealed as (
             update audit_logs a set position = s.position, previous_hash = s.previous, hash = s.hash
               from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[]) as s (id, position, previous, hash)
              where a.id = s.id)
         update audit_head set position = $5, hash = $6",
    )
    .bind(ids)
    .bind(positions)
    .bind(previous)
    .bind(hashes)
    .bind(head.position)
    .bind(&head.hash)
    .execute(&mut **transaction)
    .await?;
    // The log is where the database's owner cannot change it.
    tracing::info!(audit = "audit.seal", anchor = %head, rows = rows.len(), "the audit log is chained up to here");
    Ok(rows.len())
}
