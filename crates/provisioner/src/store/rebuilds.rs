//! Who comes back into an n8n that was made anew, and from what.

use common::id::{BackupId, OperationId, TenantId};
use sqlx::PgExecutor;

/// Everybody who lives in it, with their newest backup that can be restored, but for those of whom a restore was asked for since this operation was.
pub async fn members(
    executor: impl PgExecutor<'_>,
    instance: TenantId,
    rebuild: OperationId,
) -> Result<Vec<(TenantId, Option<BackupId>)>, sqlx::Error> {
    let members = "select t.id, newest.id from tenants t
          left join lateral (select b.id from backups b
                              where b.tenant_id = t.id and b.status in ('verified', 'proven') and b.includes_database
                              order by b.taken_at desc, b.id desc limit 1) newest on true
         where t.shared_instance = $1::text and t.mode = 'shared' and t.status in ('active', 'suspended')
           and not exists (select from operations o, operations r
                            where o.tenant_id = t.id and o.kind = 'tenant.restore' and r.id = $2 and o.created_at >= r.created_at)
         order by t.id";
    sqlx::query_as(members).bind(instance).bind(rebuild).fetch_all(executor).await
}
