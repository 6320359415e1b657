//! Operations and their journals, as far as the one who asks may see them.

use common::{
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

use super::reader::Reader;
use crate::http::cursor::Page;

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
pub async fn find(reader: &Reader<'_>, id: OperationId) -> Result<Option<Operation>, sqlx::Error> {
    let found = reader.ask(
        "select id, kind, tenant_id, status, error, cancellation, created_at, started_at, finished_at
           from operations where id = $2 and ($1::uuid[] is null or tenant_id = any ($1))",
    );
    found.bind(id).optional().await
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
pub async fn page(reader: &Reader<'_>, filter: &Filter) -> Result<Vec<Operation>, sqlx::Error> {
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let operations = reader.ask(
        "select id, kind, tenant_id, status, error, cancellation, created_at, started_at, finished_at
           from operations
          where ($1::uuid[] is null or tenant_id = any ($1))
            and ($2::text is null or status = $2)
            and ($3::text is null or kind = $3)
            and ($4::uuid is null or tenant_id = $4)
            and ($5::timestamptz is null or (created_at, id) < ($5, $6))
          order by created_at desc, id desc limit $7",
    );
    let operations =
        operations.bind(&filter.status).bind(filter.kind.map(OperationKind::as_str)).bind(filter.tenant);
    operations.bind(at).bind(id).bind(filter.page.rows()).all().await
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
pub async fn journal(reader: &Reader<'_>, operation: &Operation) -> Result<Vec<JournalRow>, sqlx::Error> {
    let journal = reader.ask(
        "select s.ordinal, s.step, s.event, s.error, s.at
           from operations o join operation_steps s on s.operation_id = o.id
          where o.id = $2 and ($1::uuid[] is null or o.tenant_id = any ($1))
          order by s.seq",
    );
    journal.bind(operation.id).all().await
}

/// Which operation of this kind is not over yet for this tenant?
pub async fn find_open(
    reader: &Reader<'_>,
    tenant: TenantId,
    kind: OperationKind,
) -> Result<Option<OperationId>, sqlx::Error> {
    let open = reader.ask(
        "select id from operations
          where tenant_id = $2 and ($1::uuid[] is null or tenant_id = any ($1))
            and kind = $3 and status in ('queued', 'running', 'undoing', 'stuck')
          order by created_at desc limit 1",
    );
    let open: Option<(OperationId,)> = open.bind(tenant).bind(kind.as_str()).optional().await?;
    Ok(open.map(|(id,)| id))
}
