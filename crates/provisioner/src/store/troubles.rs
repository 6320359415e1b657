//! Tenants that healing has not helped yet.

use common::id::TenantId;
use sqlx::PgExecutor;

/// Shows one as unhealthy for these reasons, and tells so the first time. Says whether this call did.
pub async fn show(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    reasons: &[String],
) -> Result<bool, sqlx::Error> {
    let show = "with before as (select shown_at from tenant_troubles where tenant_id = $1 for update)
        update tenant_troubles set shown_at = coalesce(before.shown_at, now()), reasons = $2 from before
         where tenant_id = $1 and (before.shown_at is null or reasons <> $2) returning before.shown_at is null";
    let shown = sqlx::query_scalar(show).bind(tenant).bind(reasons).fetch_optional(executor).await?;
    Ok(shown.unwrap_or_default())
}

/// Forgets one's troubles: it is well, or it is not to run any more. Says whether this call did.
pub async fn clear(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let clear = "delete from tenant_troubles where tenant_id = $1";
    let cleared = sqlx::query(clear).bind(tenant).execute(executor).await?;
    Ok(cleared.rows_affected() == 1)
}
