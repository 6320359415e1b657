//! What is in the record.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgPool};

/// How many rows each table has.
#[derive(Debug, PartialEq, Eq)]
pub struct Record(BTreeMap<String, i64>);

impl Record {
    /// Counts every table.
    pub async fn count(database: &PgPool) -> Self {
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.tables
              where table_schema = 'public' and table_name not like '\\_%'",
        )
        .fetch_all(database)
        .await
        .unwrap();
        let mut rows = BTreeMap::new();
        for table in tables {
            let count = AssertSqlSafe(format!("select count(*) from {table}"));
            rows.insert(table, sqlx::query_scalar(count).fetch_one(database).await.unwrap());
        }
        Self(rows)
    }

    /// The rows of one table.
    pub fn of(&self, table: &str) -> i64 {
        self.0[table]
    }

    /// The same without what grows with refusals too: the audit log, and the signatures that are used up.
    pub fn without_refusals(mut self) -> Self {
        for table in ["audit_logs", "request_signatures"] {
            self.0.remove(table).expect("there is such a table");
        }
        self
    }
}
