//! The plans.

use sqlx::{FromRow, PgExecutor};
use wire::sizing;

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
    /// Whether calls to its tenants' webhooks are held while these are suspended.
    pub holds_when_suspended: bool,
    /// Whether anybody can ask for it.
    pub offered: bool,
}

/// The most that a tenant may be scaled to.
#[derive(Debug, Clone, Copy)]
pub struct Ceiling {
    pub cpu_millis: i32,
    pub memory_mb: i32,
    pub workers: i32,
}

impl Plan {
    /// What scaling ends at: its own figures, and what a tenant's network holds.
    pub fn ceiling(&self) -> Ceiling {
        let up_to = |limit: i32| limit.saturating_mul(self.ceiling_percent) / 100;
        Ceiling {
            cpu_millis: up_to(self.cpu_millis),
            memory_mb: up_to(self.memory_mb),
            workers: up_to(self.workers).min(sizing::MOST_WORKERS),
        }
    }
}

/// Which plans are there, the smallest first?
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<Plan>, sqlx::Error> {
    sqlx::query_as(
        "select name, cpu_millis, memory_mb, workers, storage_gb, executions_per_month, concurrent_executions,
                api_calls_per_hour, ceiling_percent, holds_when_suspended, offered
           from plans order by cpu_millis, name",
    )
    .fetch_all(executor)
    .await
}
