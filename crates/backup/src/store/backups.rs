//! Rows of backups.

use common::id::{BackupId, OperationId, TenantId};
use objects::manifest::Manifest;
use sqlx::PgExecutor;
use time::OffsetDateTime;

/// A set that was written, as the record knows it.
#[derive(sqlx::FromRow)]
pub struct Written {
    pub tenant_id: TenantId,
    pub manifest_sha256: String,
}

/// It is being made, there.
pub async fn begin(executor: impl PgExecutor<'_>, backup: BackupId, path: &str) -> Result<(), sqlx::Error> {
    let begin =
        "update backups set status = 'running', path = $2 where id = $1 and status in ('queued', 'running')";
    sqlx::query(begin).bind(backup).bind(path).execute(executor).await.map(drop)
}

/// Its manifest is in the store.
pub async fn written(
    executor: impl PgExecutor<'_>,
    backup: BackupId,
    (manifest, sha256): (&Manifest, &str),
) -> Result<(), sqlx::Error> {
    let written = "update backups
                      set status = 'written', taken_at = $2, written_at = now(), kept_until = $2 + make_interval(days => retention_days),
                          bytes = $3, manifest_sha256 = $4, manifest = $5
                    where id = $1";
    sqlx::query(written)
        .bind(backup)
        .bind(manifest.taken_at)
        .bind(i64::try_from(manifest.bytes()).unwrap_or(i64::MAX))
        .bind(sha256)
        .bind(sqlx::types::Json(manifest))
        .execute(executor)
        .await
        .map(drop)
}

/// It was read back, and is what was written.
pub async fn verified(executor: impl PgExecutor<'_>, backup: BackupId) -> Result<(), sqlx::Error> {
    let verified = "update backups set verified_at = now(), status = case status when 'written' then 'verified' else status end
                     where id = $1 and status in ('written', 'verified', 'proven')";
    sqlx::query(verified).bind(backup).execute(executor).await.map(drop)
}

/// It is in the store, and is not what was written: whatever it was before, it was not read back.
pub async fn damaged(executor: impl PgExecutor<'_>, backup: BackupId, why: &str) -> Result<(), sqlx::Error> {
    let damaged = "update backups set status = 'written', failed_at = now(), failure = $2 where id = $1 and status in ('verified', 'proven')";
    sqlx::query(damaged).bind(backup).bind(why).execute(executor).await.map(drop)
}

/// Nothing came of it, for the reason that its operation gives; nothing of it is left.
pub async fn failed(
    executor: impl PgExecutor<'_>,
    backup: BackupId,
    operation: OperationId,
) -> Result<(), sqlx::Error> {
    let failed = "update backups b set status = 'failed', failed_at = coalesce(b.failed_at, now()), manifest = null, manifest_sha256 = null,
                         bytes = null,
                         failure = coalesce((select o.error ->> 'detail' from operations o where o.id = $2), 'It was called off.')
                   where b.id = $1";
    sqlx::query(failed).bind(backup).bind(operation).execute(executor).await.map(drop)
}

/// One that can be restored from.
pub async fn find_restorable(
    executor: impl PgExecutor<'_>,
    backup: BackupId,
) -> Result<Option<Written>, sqlx::Error> {
    let find = "select tenant_id, manifest_sha256 from backups
                 where id = $1 and status in ('verified', 'proven') and includes_database";
    sqlx::query_as(find).bind(backup).fetch_optional(executor).await
}

/// One that was read back and found whole, with or without a database.
pub async fn find_read_back(
    executor: impl PgExecutor<'_>,
    backup: BackupId,
) -> Result<Option<Written>, sqlx::Error> {
    let find =
        "select tenant_id, manifest_sha256 from backups where id = $1 and status in ('verified', 'proven')";
    sqlx::query_as(find).bind(backup).fetch_optional(executor).await
}

/// How each tenant stands.
#[derive(sqlx::FromRow)]
pub struct Standing {
    pub tenant_id: TenantId,
    /// Of its newest backup that can be restored from; of a tenant that has none, when it was made, or since when its nights are planned.
    pub since: OffsetDateTime,
    pub bytes: Option<i64>,
    pub proven_at: Option<OffsetDateTime>,
    /// When the last drill that passed was held; of a tenant of which none has, since when they are planned.
    pub drilled_at: Option<OffsetDateTime>,
    /// Whether the last drill that came to an end passed.
    pub drill_passed: Option<bool>,
    /// Of its last restore that succeeded.
    pub rto_seconds: Option<f64>,
}

/// Of every customer's tenant of this cluster, but for those in an n8n that somebody else runs.
pub async fn standings(executor: impl PgExecutor<'_>, cluster: &str) -> Result<Vec<Standing>, sqlx::Error> {
    let find = "select t.id as tenant_id, coalesce(b.taken_at, greatest(t.created_at, n.created_at)) as since, b.bytes, p.proven_at,
                       coalesce(d.drilled_at, s.created_at) as drilled_at, e.passed as drill_passed, r.rto_seconds
                  from tenants t
                  left join lateral (select taken_at, bytes from backups b
                                      where b.tenant_id = t.id and b.status in ('verified', 'proven') and b.includes_database
                                      order by taken_at desc limit 1) b on true
                  left join schedules n on n.name = 'backup.daily.ten_' || replace(t.id::text, '-', '') and n.retired_at is null
                  left join lateral (select max(proven_at) as proven_at from backups b where b.tenant_id = t.id) p on true
                  left join lateral (select drilled_at from restore_drills d where d.tenant_id = t.id and d.status = 'passed'
                                      order by drilled_at desc limit 1) d on true
                  left join schedules s on s.name = 'restore.drill.ten_' || replace(t.id::text, '-', '') and s.retired_at is null
                  left join lateral (select status = 'passed' as passed from restore_drills e
                                      where e.tenant_id = t.id and e.status <> 'running' order by drilled_at desc, id desc limit 1) e on true
                  left join lateral (select rto_seconds from restores r where r.tenant_id = t.id and r.status = 'succeeded'
                                      order by asked_at desc limit 1) r on true
                 where t.cluster_id = $1 and t.purpose = 'customer' and t.status in ('active', 'suspended')
                   and not exists (select from external_n8ns x where x.tenant_id::text = t.shared_instance)";
    sqlx::query_as(find).bind(cluster).fetch_all(executor).await
}

/// How many came to which end.
#[derive(sqlx::FromRow)]
pub struct Tally {
    pub tenant_id: TenantId,
    #[sqlx(rename = "type")]
    pub backup_type: String,
    pub verified: i64,
    pub failed: i64,
}

/// By tenant and type, of those that are there.
pub async fn tallies(executor: impl PgExecutor<'_>, cluster: &str) -> Result<Vec<Tally>, sqlx::Error> {
    let count = "select b.tenant_id, b.type, count(b.verified_at) as verified, count(b.failed_at) as failed
                   from backups b join tenants t on t.id = b.tenant_id
                  where b.cluster_id = $1 and t.status <> 'deleted'
                  group by b.tenant_id, b.type";
    sqlx::query_as(count).bind(cluster).fetch_all(executor).await
}

/// Of its manifest, if it was written.
pub async fn manifest_sha256(
    executor: impl PgExecutor<'_>,
    backup: BackupId,
) -> Result<Option<String>, sqlx::Error> {
    let find = sqlx::query_scalar("select manifest_sha256 from backups where id = $1").bind(backup);
    Ok(find.fetch_optional(executor).await?.flatten())
}
