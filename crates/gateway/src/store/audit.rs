//! The audit log.

use sqlx::PgExecutor;

use crate::audit::Entry;

/// Writes these entries with one statement.
pub async fn insert(executor: impl PgExecutor<'_>, entries: &[Entry]) -> Result<(), sqlx::Error> {
    fn column<T>(entries: &[Entry], of: impl Fn(&Entry) -> T) -> Vec<T> {
        entries.iter().map(of).collect()
    }
    sqlx::query(
        "insert into audit_logs
             (id, at, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::uuid[],
                              $7::uuid[], $8::text[], $9::text[], $10::bytea[])",
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
    .execute(executor)
    .await?;
    Ok(())
}
