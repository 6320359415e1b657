//! The audit log.

use common::id::{AuditId, OperationId, TenantId};
use serde::Serialize;
use sqlx::{FromRow, PgExecutor};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    audit::{Action, Entry, Filter, Outcome},
    tenants::words::Subject,
    vocabulary,
};

/// Writes these entries with one statement, and that the signatures they name are used up. In the same order for every replica, so that
/// none of two waits for the other.
pub async fn insert(executor: impl PgExecutor<'_>, entries: &[Entry]) -> Result<(), sqlx::Error> {
    fn column<T>(entries: &[Entry], of: impl Fn(&Entry) -> T) -> Vec<T> {
        entries.iter().map(of).collect()
    }
    sqlx::query(
        "with used_up as (
             insert into request_signatures (digest)
             select distinct digest from unnest($12::bytea[]) digest where digest is not null order by digest
             on conflict do nothing)
         insert into audit_logs
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
    .bind(column(entries, |e| e.signature.clone()))
    .execute(executor)
    .await?;
    Ok(())
}

/// Who asked for what, and what came of it.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct AuditEntry {
    #[schema(value_type = String)]
    pub id: AuditId,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    actor: String,
    /// What its maker called the key that was the actor.
    actor_name: Option<String>,
    #[schema(value_type = vocabulary::CallerRole)]
    role: String,
    #[schema(example = "tenant.create")]
    action: String,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    /// Instead of a tenant: what it was about.
    cluster_id: Option<String>,
    #[schema(value_type = Option<String>)]
    operation_id: Option<OperationId>,
    correlation_id: String,
    /// `accepted`; `already` (it was so before, or an operation was doing it); `shown`; or `refused: ` and the problem's code.
    #[schema(value_type = vocabulary::AuditOutcome)]
    outcome: String,
    /// Why, in the words of whoever asked. Of what is about something without an id here, and of what was refused, also what it named: a
    /// tenant's id or subdomain, a dead letter, a schedule.
    reason: Option<String>,
    /// Its place in the chain of hashes; absent for the seconds until it is chained.
    position: Option<i64>,
}

/// Which entries come next, the newest first?
pub async fn page(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
    tenant: Option<TenantId>,
) -> Result<Vec<AuditEntry>, sqlx::Error> {
    let (outcome, whole) = filter.outcome.map(Outcome::beginning).unzip();
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    sqlx::query_as(
        "select id, at, actor,
                (select k.name from api_keys k
                  where k.id = case when actor ~ '^key_[0-9a-f]{32}$' then substr(actor, 5)::uuid end) as actor_name,
                role, action, tenant_id, cluster_id, operation_id, correlation_id, outcome, reason, position
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
    .bind(filter.actor.as_ref().map(Subject::as_str))
    .bind(filter.since)
    .bind(at)
    .bind(id)
    .bind(filter.page.rows())
    .bind(filter.action.as_ref().map(Action::as_str))
    .bind(outcome)
    .bind(whole)
    .fetch_all(executor)
    .await
}
