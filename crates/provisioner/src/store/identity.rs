//! Which record this is.

use common::id::RecordId;
use sqlx::PgExecutor;

/// The identity that was drawn when the record was made.
pub async fn record(executor: impl PgExecutor<'_>) -> Result<RecordId, sqlx::Error> {
    sqlx::query_scalar("select id from record_identity").fetch_one(executor).await
}
