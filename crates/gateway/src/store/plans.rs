//! The plans.

use sqlx::{FromRow, PgExecutor};

/// What is offered under one name.
#[derive(Debug, Clone, Default, FromRow)]
pub struct Plan {
    pub name: String,
    pub cpu_millis: i32,
    pub memory_mb: i32,
    pub workers: i32,
    pub storage_gb: i32,
    pub executions_per_month: i32,
    pub concurrent_executions: i32,
    pub api_calls_per_hour: i32,
    /// How far scaling may go beyond cpu, memory and workers, in hundredths of them.
    pub ceiling_percent: i32,
}

/// Which plans are there, the smallest first?
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<Plan>, sqlx::Error> {
    sqlx::query_as(
        "select name, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions,
                api_calls_per_hour, ceiling_percent
           from plans order by cpu_millis, name",
    )
    .fetch_all(executor)
    .await
}
