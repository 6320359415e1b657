//! Operations and their journals, as far as the one who asks may see them.

use common::{
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use serde::Deserialize;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, postgres::PgRow};
use time::{OffsetDateTime, serde::rfc3339};

use super::reader::{Asked, Reader, seen};
use crate::{http::one_of::OneOf, operations::Filter};

/// An operation.
#[derive(Debug, FromRow)]
pub struct Operation {
    pub id: OperationId,
    pub kind: String,
    pub tenant_id: Option<TenantId>,
    /// Of what is done to a cluster; owners' statements do not ask for it, since they see none.
    #[sqlx(default)]
    pub cluster_id: Option<String>,
    pub status: String,
    pub error: Option<Value>,
    /// Set once somebody cancelled it.
    pub cancellation: Option<Value>,
    /// Of its error; owners' statements do not ask for it.
    #[sqlx(default)]
    pub cause: Option<String>,
    pub created_at: OffsetDateTime,
    pub started_at: Option<OffsetDateTime>,
    pub finished_at: Option<OffsetDateTime>,
}

/// One line of a journal.
#[derive(Debug, Deserialize)]
pub struct JournalRow {
    pub ordinal: i32,
    pub step: String,
    pub event: String,
    pub error: Option<Value>,
    /// As an operation's.
    #[serde(default)]
    pub cause: Option<String>,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
}

/// An operation with its journal, both of one moment.
#[derive(Debug, FromRow)]
pub struct Journaled {
    #[sqlx(flatten)]
    pub operation: Operation,
    #[sqlx(json)]
    pub journal: Vec<JournalRow>,
}

/// What is read of an operation.
pub trait Known: for<'r> FromRow<'r, PgRow> + Send + Unpin {
    /// Asks for the one with the id `$2`. Those of no tenant are for callers who see all tenants.
    const BY_ID: Asked;

    /// Whose it is.
    fn tenant(&self) -> Option<TenantId>;
}

/// The columns of an operation, without and with what owners may not see.
macro_rules! columns {
    () => {
        "select o.id, o.kind, o.tenant_id, o.status, o.error, o.cancellation, o.created_at, o.started_at, o.finished_at"
    };
    (cause) => {
        concat!(
            columns!(),
            ", case when o.tenant_id is null then o.cluster_id end as cluster_id,
             case when o.error is not null then (
                 select s.cause from operation_steps s
                  where s.operation_id = o.id and s.cause is not null order by s.seq desc limit 1) end as cause"
        )
    };
}

macro_rules! journal {
    ($more:literal) => {
        concat!(
            ", coalesce((
             select json_agg(json_build_object('ordinal', s.ordinal, 'step', s.step, 'event', s.event, 'error', s.error,
                        'at', s.at",
            $more,
            ") order by s.seq)
               from operation_steps s where s.operation_id = o.id), '[]') as journal"
        )
    };
}

macro_rules! by_id {
    () => {
        concat!(" from operations o where o.id = $2 and ", seen!("o.tenant_id"))
    };
}

impl Known for Operation {
    const BY_ID: Asked =
        Asked { by_services: concat!(columns!(cause), by_id!()), by_owners: concat!(columns!(), by_id!()) };

    fn tenant(&self) -> Option<TenantId> {
        self.tenant_id
    }
}

impl Known for Journaled {
    const BY_ID: Asked = Asked {
        by_services: concat!(columns!(cause), journal!(", 'cause', s.cause"), by_id!()),
        by_owners: concat!(columns!(), journal!(""), by_id!()),
    };

    fn tenant(&self) -> Option<TenantId> {
        self.operation.tenant_id
    }
}

/// Which operation has this id?
pub async fn find<O: Known>(reader: &Reader<'_>, id: OperationId) -> Result<Option<O>, sqlx::Error> {
    reader.ask(O::BY_ID.of(reader)).bind(id).optional().await
}

macro_rules! page {
    () => {
        concat!(
            " from operations o where ",
            seen!("tenant_id"),
            "
            and ($2::text is null or status = $2)
            and ($3::text is null or kind = $3)
            and ($4::uuid is null or tenant_id = $4)
            and ($5::timestamptz is null or (created_at, id) < ($5, $6))
          order by created_at desc, id desc limit $7"
        )
    };
}

const PAGE: Asked =
    Asked { by_services: concat!(columns!(cause), page!()), by_owners: concat!(columns!(), page!()) };

/// Which operations come next, the newest first?
pub async fn page(
    reader: &Reader<'_>,
    filter: &Filter,
    tenant: Option<TenantId>,
) -> Result<Vec<Operation>, sqlx::Error> {
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let operations = reader.ask(PAGE.of(reader));
    let operations = operations
        .bind(filter.status.as_ref().map(OneOf::as_str))
        .bind(filter.kind.map(|kind| kind.name))
        .bind(tenant);
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

macro_rules! open {
    ($columns:literal) => {
        concat!(
            "select ",
            $columns,
            " from operations
          where tenant_id = $1 and kind = $2 and parent_id is null
            and status in ('queued', 'running', 'undoing', 'stuck')
          order by created_at desc limit 1"
        )
    };
}

/// Which operation of this kind is not over yet for this tenant? Whoever asks has been found to see the tenant: what decides about them is in
/// columns that owners' connections do not have.
pub async fn find_open(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    kind: &'static OperationKind,
) -> Result<Option<OperationId>, sqlx::Error> {
    let open = sqlx::query_scalar(open!("id"));
    open.bind(tenant).bind(kind.as_str()).fetch_optional(executor).await
}

/// The same with what it was asked to do.
pub async fn find_open_as_asked(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    kind: &'static OperationKind,
) -> Result<Option<(OperationId, Value)>, sqlx::Error> {
    let open = sqlx::query_as(open!("id, request"));
    open.bind(tenant).bind(kind.as_str()).fetch_optional(executor).await
}

/// How will this tenant be when everything that was accepted for it has been done, and which operation sees to that? None, if it is so. As above,
/// whoever asks sees the tenant.
pub async fn status_to_be(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
) -> Result<Option<(String, Option<OperationId>)>, sqlx::Error> {
    let to_be = "select next.status, next.operation from tenants t, status_to_be(t.id) next where t.id = $1";
    sqlx::query_as(to_be).bind(tenant).fetch_optional(executor).await
}
