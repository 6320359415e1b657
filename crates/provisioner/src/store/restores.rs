//! What became of restores.

use common::{
    error::Kind,
    id::{BackupId, OperationId, RestoreId, TenantId},
    operations::StepError,
};
use n8n::Version;
use sqlx::{PgConnection, PgExecutor, PgPool};

pub const SUCCEEDED: &str = "succeeded";
pub const FAILED: &str = "failed";

/// What this operation restores has come to this end. One that had succeeded and is undone has failed.
pub async fn end(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    status: &'static str,
) -> Result<(), sqlx::Error> {
    let end = "update restores set status = $2, ended_at = clock_timestamp() where operation_id = $1 and status <> $2";
    sqlx::query(end).bind(operation).bind(status).execute(executor).await.map(drop)
}

/// This sandbox is gone. A restore into it that nobody has ended, because its operation was given up, has failed.
pub async fn forget(executor: impl PgExecutor<'_>, sandbox: TenantId) -> Result<(), sqlx::Error> {
    let end = "update restores set status = $2, ended_at = clock_timestamp() where sandbox_id = $1 and status = 'running'";
    sqlx::query(end).bind(sandbox).bind(FAILED).execute(executor).await.map(drop)
}

/// Whether this is a backup of this tenant's that can be restored from.
pub async fn may_be_restored(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    backup: BackupId,
) -> Result<bool, sqlx::Error> {
    let find = "select exists (select from backups
                 where id = $2 and tenant_id = $1 and status in ('verified', 'proven') and includes_database)";
    sqlx::query_scalar(find).bind(tenant).bind(backup).fetch_one(executor).await
}

/// The tenant's newest backup that can be restored from.
pub async fn newest(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
) -> Result<Option<BackupId>, sqlx::Error> {
    let newest = "select id from backups
         where tenant_id = $1 and status in ('verified', 'proven') and includes_database order by taken_at desc, id desc limit 1";
    sqlx::query_scalar(newest).bind(tenant).fetch_optional(executor).await
}

/// Of a backup of one of those who shared an n8n: which release that ran.
pub async fn release_of_part(
    executor: impl PgExecutor<'_>,
    backup: BackupId,
) -> Result<Option<Version>, StepError> {
    let release = "select coalesce(manifest ->> 'n8n_version', '') from backups where id = $1 and of_part";
    let release: Option<String> = sqlx::query_scalar(release).bind(backup).fetch_optional(executor).await?;
    let unreadable = |_| StepError::failed(Kind::Internal, "the release that a backup is of cannot be read");
    release.map(|release| release.parse().map_err(unreadable)).transpose()
}

/// This backup was restored, and n8n ran on it.
pub async fn prove(executor: impl PgExecutor<'_>, backup: BackupId) -> Result<(), sqlx::Error> {
    let prove = "update backups set proven_at = now(), status = case status when 'verified' then 'proven' else status end
                  where id = $1 and status in ('verified', 'proven')";
    sqlx::query(prove).bind(backup).execute(executor).await.map(drop)
}

/// Those in place, in this cluster, that have ended well and behind which nobody has cleared up.
pub async fn uncleared(pool: &PgPool, cluster: &str) -> Result<Vec<RestoreId>, sqlx::Error> {
    let find = "select r.id from restores r join tenants t on t.id = r.tenant_id
                 where t.cluster_id = $1 and r.sandbox_id is null and r.status = 'succeeded' and r.cleared_at is null
                 order by r.ended_at limit 20";
    sqlx::query_scalar(find).bind(cluster).fetch_all(pool).await
}

/// The tenant of one of them, unless its operation, or another that has the tenant to itself, is still open: what stands beside the database may be that one's. None
/// is accepted before the transaction ends.
pub async fn lock_uncleared(
    connection: &mut PgConnection,
    restore: RestoreId,
) -> Result<Option<TenantId>, sqlx::Error> {
    let lock = "select t.id from tenants t join restores r on r.tenant_id = t.id where r.id = $1 for no key update of t";
    let tenant: Option<TenantId> =
        sqlx::query_scalar(lock).bind(restore).fetch_optional(&mut *connection).await?;
    // A statement of its own sees what was accepted while this one waited.
    let free = "select r.tenant_id from restores r
                 where r.id = $1 and r.cleared_at is null
                   and not exists (select from operations o where o.tenant_id = r.tenant_id and o.alone
                                      and o.status in ('queued', 'running', 'undoing', 'stuck')
                                      and (o.status <> 'queued' or o.not_before <= now()))";
    match tenant {
        None => Ok(None),
        Some(_) => sqlx::query_scalar(free).bind(restore).fetch_optional(connection).await,
    }
}

/// Nothing is left of what was there before.
pub async fn cleared(executor: impl PgExecutor<'_>, restore: RestoreId) -> Result<(), sqlx::Error> {
    let cleared = "update restores set cleared_at = now() where id = $1";
    sqlx::query(cleared).bind(restore).execute(executor).await.map(drop)
}
