//! Whose remains were removed lately.

use std::collections::HashSet;

use common::id::TenantId;
use sqlx::PgExecutor;

/// The tenants whose remains were removed from this cluster within the hour.
pub async fn lately(executor: impl PgExecutor<'_>, cluster: &str) -> Result<HashSet<TenantId>, sqlx::Error> {
    let lately = "select tenant_id from removals where cluster_id = $1 and at > now() - interval '1 hour'";
    let lately = sqlx::query_scalar(lately).bind(cluster);
    Ok(lately.fetch_all(executor).await?.into_iter().collect())
}

/// Notes, before it happens, that this tenant's remains are removed. Within the hour the first time counts: what cannot be removed, and
/// is tried again and again, would otherwise stand in the way of all others for ever.
pub async fn note(executor: impl PgExecutor<'_>, cluster: &str, tenant: TenantId) -> Result<(), sqlx::Error> {
    let note = "insert into removals (tenant_id, cluster_id) values ($1, $2)
                on conflict (tenant_id) do update set cluster_id = excluded.cluster_id, at = now()
                where removals.at <= now() - interval '1 hour' or removals.cluster_id <> excluded.cluster_id";
    sqlx::query(note).bind(tenant).bind(cluster).execute(executor).await.map(drop)
}
