//! Backups, as far as one is to be loaded.

use common::id::{BackupId, TenantId};
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

/// A backup of a tenant.
#[derive(Debug, Clone, FromRow)]
pub struct Backup {
    pub id: BackupId,
    pub status: String,
    /// It could not be taken, or was found not to be what was written.
    pub failed: bool,
    /// Whether it was found whole when it was last read back.
    pub is_restorable: bool,
}

/// Which of the tenant's backups has this id?
pub async fn find(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    backup: BackupId,
) -> Result<Option<Backup>, sqlx::Error> {
    let find = "select id, status, failed_at is not null as failed, status in ('verified', 'proven') and includes_database as is_restorable
                  from backups where tenant_id = $1 and id = $2";
    sqlx::query_as(find).bind(tenant).bind(backup).fetch_optional(executor).await
}

/// Which of the tenant's backups that can be loaded is the newest, or was at this moment?
pub async fn newest(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    at: Option<OffsetDateTime>,
) -> Result<Option<Backup>, sqlx::Error> {
    let newest = "select id, status, false as failed, true as is_restorable from backups
         where tenant_id = $1 and status in ('verified', 'proven') and includes_database and taken_at <= coalesce($2, now())
         order by taken_at desc, id desc limit 1";
    sqlx::query_as(newest).bind(tenant).bind(at).fetch_optional(executor).await
}

/// Any of the tenant's backups that can be loaded.
pub async fn any(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<Backup>, sqlx::Error> {
    let any = "select id, status, false as failed, true as is_restorable from backups
         where tenant_id = $1 and status in ('verified', 'proven') and includes_database order by random() limit 1";
    sqlx::query_as(any).bind(tenant).fetch_optional(executor).await
}

/// How many seconds restores took lately: the tenant's own, or everybody's while it has none. `None`: nobody has any.
pub async fn usual_seconds(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
) -> Result<Option<f64>, sqlx::Error> {
    let usual = "select coalesce(
            (select avg(rto_seconds) from (select rto_seconds from restores where tenant_id = $1 and status = 'succeeded'
                order by asked_at desc limit 5) own),
            (select avg(rto_seconds) from (select rto_seconds from restores where status = 'succeeded'
                order by ended_at desc limit 20) all_of_them))";
    sqlx::query_scalar(usual).bind(tenant).fetch_one(executor).await
}
