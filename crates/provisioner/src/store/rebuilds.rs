//! Who comes back into an n8n that was made anew, and from what.

use common::id::{BackupId, OperationId, TenantId};
use sqlx::PgExecutor;

/// A number above those of all executions that were ever in it: twice as many as are known of whoever lives or lived in it, and a million of which nobody knows.
pub async fn numbers(executor: impl PgExecutor<'_>, instance: TenantId) -> Result<i32, sqlx::Error> {
    let numbers = "select least(1000000 + 2 * coalesce(sum(u.executions), 0), 1000000000)::integer
          from usage_rollups_monthly u join tenants t on t.id = u.tenant_id where t.shared_instance = $1::text or t.former_instance = $1";
    sqlx::query_scalar(numbers).bind(instance).fetch_one(executor).await
}

/// Everybody who lives in it, with their newest backup that can be restored, but for those of whom a restore was asked for since this operation was. What was
/// backed up after the first rebuild that came to nothing has the emptiness in it that this left.
pub async fn members(
    executor: impl PgExecutor<'_>,
    instance: TenantId,
    rebuild: OperationId,
) -> Result<Vec<(TenantId, Option<BackupId>)>, sqlx::Error> {
    let members = "select t.id, newest.id
          from (select min(o.created_at) as at from operations o
                 where o.tenant_id = $1 and o.kind = 'tenant.rebuild'
                   and o.created_at > coalesce((select max(s.created_at) from operations s
                                                 where s.tenant_id = $1 and s.kind = 'tenant.rebuild' and s.status = 'succeeded'), '-infinity')) begun,
               tenants t
          left join lateral (select b.id from backups b
                              where b.tenant_id = t.id and b.status in ('verified', 'proven') and b.includes_database
                                and b.taken_at <= begun.at
                              order by b.taken_at desc, b.id desc limit 1) newest on true
         where t.shared_instance = $1::text and t.mode = 'shared' and t.status not in ('failed', 'deleting', 'deleted')
           and not exists (select from operations o, operations r
                            where o.tenant_id = t.id and o.kind = 'tenant.restore' and r.id = $2 and o.created_at >= r.created_at)
         order by t.id";
    sqlx::query_as(members).bind(instance).bind(rebuild).fetch_all(executor).await
}
