//! Tenants that healing has not helped yet.

use common::id::TenantId;
use sqlx::PgExecutor;

/// Shows one as unhealthy, and tells so. Says whether this call did.
pub async fn show(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    reasons: &[String],
) -> Result<bool, sqlx::Error> {
    let show =
        "update tenant_troubles set shown_at = now(), reasons = $2 where tenant_id = $1 and shown_at is null";
    let shown = sqlx::query(show).bind(tenant).bind(reasons).execute(executor).await?;
    Ok(shown.rows_affected() == 1)
}

/// Forgets one's troubles: it is well, or it is not to run any more. Says whether this call did.
pub async fn clear(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let clear = "delete from tenant_troubles where tenant_id = $1";
    let cleared = sqlx::query(clear).bind(tenant).execute(executor).await?;
    Ok(cleared.rows_affected() == 1)
}
