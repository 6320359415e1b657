//! Operations and their journals, as far as the one who asks may see them.

use common::{
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

use crate::auth::Scope;

/// An operation.
#[derive(Debug, FromRow)]
pub struct Operation {
    pub id: OperationId,
    pub kind: String,
    pub tenant_id: Option<TenantId>,
    pub status: String,
    pub error: Option<Value>,
    pub created_at: OffsetDateTime,
    pub started_at: Option<OffsetDateTime>,
    pub finished_at: Option<OffsetDateTime>,
}

/// Which operation has this id? Those of no tenant are for callers who see all tenants.
pub async fn find(
    executor: impl PgExecutor<'_>,
    scope: &Scope,
    id: OperationId,
) -> Result<Option<Operation>, sqlx::Error> {
    sqlx::query_as(
        "select id, kind, tenant_id, status, error, created_at, started_at, finished_at
           from operations where id = $2 and ($1::uuid[] is null or tenant_id = any ($1))",
    )
    .bind(scope.only())
    .bind(id)
    .fetch_optional(executor)
    .await
}

/// One line of a journal.
#[derive(Debug, FromRow)]
pub struct JournalRow {
    pub ordinal: i32,
    pub step: String,
    pub event: String,
    pub error: Option<Value>,
    pub at: OffsetDateTime,
}

/// What happened in this operation, in order?
pub async fn journal(
    executor: impl PgExecutor<'_>,
    operation: &Operation,
) -> Result<Vec<JournalRow>, sqlx::Error> {
    sqlx::query_as(
        "select ordinal, step, event, error, at from operation_steps where operation_id = $1 order by seq",
    )
    .bind(operation.id)
    .fetch_all(executor)
    .await
}

/// Which operation of this kind is not over yet for this tenant?
pub async fn find_open(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    kind: OperationKind,
) -> Result<Option<OperationId>, sqlx::Error> {
    sqlx::query_scalar(
        "select id from operations
          where tenant_id = $1 and kind = $2 and status in ('queued', 'running', 'undoing', 'stuck')
          order by created_at desc limit 1",
    )
    .bind(tenant)
    .bind(kind.as_str())
    .fetch_optional(executor)
    .await
}
