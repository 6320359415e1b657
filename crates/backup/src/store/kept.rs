//! Which backups are kept, and which go.

use common::id::{BackupId, TenantId};
use sqlx::PgPool;

/// One that is to go, or is being made.
#[derive(sqlx::FromRow)]
pub struct Named {
    pub id: BackupId,
    pub tenant_id: TenantId,
}

/// Marks those that were kept long enough. Of each tenant that lives the newest that it could be restored from stays, however old it is; and
/// whatever is under a legal hold, or in use. Returns how many there were.
pub async fn expire(record: &PgPool, cluster: &str) -> Result<u64, sqlx::Error> {
    // Locked first, so that nobody begins to restore one between the look and the mark. One that somebody has locked is looked at the next time.
    let expire = "with due as materialized (
             select b.id from backups b join tenants t on t.id = b.tenant_id
              where b.cluster_id = $1 and b.status in ('written', 'verified', 'proven') and b.kept_until < now() and not b.legal_hold
                and (t.status in ('deleted', 'failed')
                     or exists (select from backups newer
                                 where newer.tenant_id = b.tenant_id and newer.status in ('verified', 'proven') and newer.includes_database
                                   and (newer.taken_at, newer.id) > (b.taken_at, b.id)))
                for update of b skip locked
         )
         update backups b set status = 'removing' from due where b.id = due.id and not backup_is_in_use(b.id)";
    sqlx::query(expire).bind(cluster).execute(record).await.map(|done| done.rows_affected())
}

/// Those that are to go.
pub async fn being_removed(record: &PgPool, cluster: &str) -> Result<Vec<Named>, sqlx::Error> {
    let find = "select id, tenant_id from backups where cluster_id = $1 and status = 'removing' order by created_at limit 100";
    sqlx::query_as(find).bind(cluster).fetch_all(record).await
}

/// Nothing of it is left. With the last one of a tenant that is gone, what opened them goes.
pub async fn removed(record: &PgPool, backup: BackupId) -> Result<(), sqlx::Error> {
    let removed = "with gone as (
             update backups set status = 'removed', removed_at = now() where id = $1 and status = 'removing' returning tenant_id
         )
         delete from tenant_secrets s using gone, tenants t
          where s.tenant_id = gone.tenant_id and s.name = 'backup_key' and t.id = gone.tenant_id and t.status = 'deleted'
            and not exists (select from backups b where b.tenant_id = t.id and b.id <> $1 and b.status not in ('removed', 'failed'))";
    sqlx::query(removed).bind(backup).execute(record).await.map(drop)
}

/// Those that are being made.
pub async fn being_made(record: &PgPool) -> Result<Vec<Named>, sqlx::Error> {
    sqlx::query_as("select id, tenant_id from backups where status in ('queued', 'running')")
        .fetch_all(record)
        .await
}
