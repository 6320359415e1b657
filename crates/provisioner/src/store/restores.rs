//! What became of restores.

use common::id::{OperationId, TenantId};
use sqlx::PgExecutor;

pub const SUCCEEDED: &str = "succeeded";
pub const FAILED: &str = "failed";

/// What this operation restores has come to this end. One that had succeeded and is undone has failed.
pub async fn end(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    status: &'static str,
) -> Result<(), sqlx::Error> {
    let end = "update restores set status = $2, ended_at = clock_timestamp() where operation_id = $1 and status <> $2";
    sqlx::query(end).bind(operation).bind(status).execute(executor).await.map(drop)
}

/// This sandbox is gone. A restore into it that nobody has ended, because its operation was given up, has failed.
pub async fn forget(executor: impl PgExecutor<'_>, sandbox: TenantId) -> Result<(), sqlx::Error> {
    let end = "update restores set status = $2, ended_at = clock_timestamp() where sandbox_id = $1 and status = 'running'";
    sqlx::query(end).bind(sandbox).bind(FAILED).execute(executor).await.map(drop)
}
