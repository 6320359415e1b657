//! The plans.

use sqlx::PgExecutor;

/// Which plans are there, the smallest first?
pub async fn names(executor: impl PgExecutor<'_>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("select name from plans order by cpu_millis, name").fetch_all(executor).await
}
