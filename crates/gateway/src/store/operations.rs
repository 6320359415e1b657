//! Operations and their journals, as far as the one who asks may see them.

use common::{
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

use crate::{auth::Scope, http::cursor::Page};

/// An operation.
#[derive(Debug, FromRow)]
pub struct Operation {
    pub id: OperationId,
    pub kind: String,
    pub tenant_id: Option<TenantId>,
    pub status: String,
    pub error: Option<Value>,
    /// Set once somebody cancelled it.
    pub cancellation: Option<Value>,
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
        "select id, kind, tenant_id, status, error, cancellation, created_at, started_at, finished_at
           from operations where id = $2 and ($1::uuid[] is null or tenant_id = any ($1))",
    )
    .bind(scope.only())
    .bind(id)
    .fetch_optional(executor)
    .await
}

/// Which operations to list.
#[derive(Debug, Default)]
pub struct Filter {
    pub status: Option<String>,
    pub kind: Option<OperationKind>,
    pub tenant: Option<TenantId>,
    pub page: Page,
}

/// Which operations come next, the newest first?
pub async fn page(
    executor: impl PgExecutor<'_>,
    scope: &Scope,
    filter: &Filter,
) -> Result<Vec<Operation>, sqlx::Error> {
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    sqlx::query_as(
        "select id, kind, tenant_id, status, error, cancellation, created_at, started_at, finished_at
           from operations
          where ($1::uuid[] is null or tenant_id = any ($1))
            and ($2::text is null or status = $2)
            and ($3::text is null or kind = $3)
            and ($4::uuid is null or tenant_id = $4)
            and ($5::timestamptz is null or (created_at, id) < ($5, $6))
          order by created_at desc, id desc limit $7",
    )
    .bind(scope.only())
    .bind(&filter.status)
    .bind(filter.kind.map(OperationKind::as_str))
    .bind(filter.tenant)
    .bind(at)
    .bind(id)
    .bind(filter.page.rows())
    .fetch_all(executor)
    .await
}

/// How many operations have not begun yet? Counts to `limit` and no further.
pub async fn waiting(executor: impl PgExecutor<'_>, limit: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "select count(*) from (select from operations where status = 'queued' and not_before <= now() limit $1) waiting",
    )
    .bind(limit)
    .fetch_one(executor)
    .await
}

/// How many operations of each kind wait for a person?
pub async fn stuck(executor: impl PgExecutor<'_>) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as("select kind, count(*) from operations where status = 'stuck' group by kind")
        .fetch_all(executor)
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
