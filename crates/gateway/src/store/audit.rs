//! The audit log.

use common::id::{AuditId, OperationId, TenantId};
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

use crate::{
    audit::{Entry, Outcome},
    http::cursor::Page,
    tenants::TenantName,
};

/// Writes these entries with one statement.
pub async fn insert(executor: impl PgExecutor<'_>, entries: &[Entry]) -> Result<(), sqlx::Error> {
    fn column<T>(entries: &[Entry], of: impl Fn(&Entry) -> T) -> Vec<T> {
        entries.iter().map(of).collect()
    }
    sqlx::query(
        "insert into audit_logs
             (id, at, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest, reason)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::uuid[],
                              $7::uuid[], $8::text[], $9::text[], $10::bytea[], $11::text[])",
    )
    .bind(column(entries, |e| e.id.uuid()))
    .bind(column(entries, |e| e.at))
    .bind(column(entries, |e| e.actor.clone()))
    .bind(column(entries, |e| e.role))
    .bind(column(entries, |e| e.action))
    .bind(column(entries, |e| e.tenant.map(|id| id.uuid())))
    .bind(column(entries, |e| e.operation.map(|id| id.uuid())))
    .bind(column(entries, |e| e.correlation_id.clone()))
    .bind(column(entries, |e| e.outcome.clone()))
    .bind(column(entries, |e| e.request_digest.clone()))
    .bind(column(entries, |e| e.named.clone()))
    .execute(executor)
    .await?;
    Ok(())
}

/// Which entries to list.
#[derive(Debug, Default)]
pub struct Filter {
    pub tenant: Option<TenantName>,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub outcome: Option<Outcome>,
    pub since: Option<OffsetDateTime>,
    pub page: Page,
}

/// An entry as it was written.
#[derive(Debug, FromRow)]
pub struct Noted {
    pub id: AuditId,
    pub at: OffsetDateTime,
    pub actor: String,
    pub role: String,
    pub action: String,
    pub tenant_id: Option<TenantId>,
    pub cluster_id: Option<String>,
    pub operation_id: Option<OperationId>,
    pub correlation_id: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub position: Option<i64>,
}

/// Which entries come next, the newest first?
pub async fn page(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
    tenant: Option<TenantId>,
) -> Result<Vec<Noted>, sqlx::Error> {
    let (outcome, whole) = filter.outcome.map(Outcome::beginning).unzip();
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    sqlx::query_as(
        "select id, at, actor, role, action, tenant_id, cluster_id, operation_id, correlation_id, outcome, reason, position
           from audit_logs
          where ($1::uuid is null or tenant_id = $1)
            and ($2::text is null or actor = $2)
            and ($3::timestamptz is null or at >= $3)
            and ($4::timestamptz is null or (at, id) < ($4, $5))
            and ($7::text is null or action = $7)
            and ($8::text is null or outcome = $8 or not $9 and starts_with(outcome, $8))
          order by at desc, id desc limit $6",
    )
    .bind(tenant)
    .bind(&filter.actor)
    .bind(filter.since)
    .bind(at)
    .bind(id)
    .bind(filter.page.rows())
    .bind(&filter.action)
    .bind(outcome)
    .bind(whole)
    .fetch_all(executor)
    .await
}
