//! What drills found.

use common::id::OperationId;
use n8n::databases::Counts;
use sqlx::{PgExecutor, types::Json};

/// What a sandbox had in it.
#[derive(Debug, serde::Serialize)]
pub struct Found {
    workflows: u64,
    credentials: u64,
    credentials_opened: u64,
    executions: u64,
}

impl Found {
    /// Of these, of which so many credentials did not open. No workflow of a sandbox is active.
    pub fn new(counts: Counts, closed: usize) -> Self {
        let Counts { workflows, credentials, executions, .. } = counts;
        let closed = u64::try_from(closed).unwrap_or(u64::MAX);
        Self { workflows, credentials, credentials_opened: credentials.saturating_sub(closed), executions }
    }
}

/// The n8n that this operation makes for a drill answers, since now or since that was noted first, and this is in it.
pub async fn note(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    found: &Found,
) -> Result<(), sqlx::Error> {
    let note = "update restore_drills
                   set found = $2, data_integrity = $3, rto_seconds = coalesce(rto_seconds, extract(epoch from clock_timestamp() - asked_at))
                 where operation_id = $1";
    let integrity = if found.credentials_opened == found.credentials { "intact" } else { "damaged" };
    sqlx::query(note).bind(operation).bind(Json(found)).bind(integrity).execute(executor).await.map(drop)
}
