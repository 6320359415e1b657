//! Who lacks schedules.

use common::id::TenantId;
use sqlx::PgPool;

/// A tenant without its schedules, or with those of other clocks.
#[derive(sqlx::FromRow)]
pub struct Lacking {
    pub tenant_id: TenantId,
    /// What it asked for: a key of its metadata.
    pub zone: Option<String>,
}

/// Those of this cluster, but for those in an n8n that somebody else runs. What it asked for and is no zone counts as asked for: the schedule's payload does not keep it, so such a tenant is looked
/// at each time, and nothing is written where it is so already.
pub async fn lacking(record: &PgPool, cluster: &str) -> Result<Vec<Lacking>, sqlx::Error> {
    let find = "select t.id as tenant_id, t.metadata ->> 'time_zone' as zone
                  from tenants t
                  left join schedules s on s.name = 'backup.daily.ten_' || replace(t.id::text, '-', '') and s.retired_at is null
                 where t.cluster_id = $1 and t.purpose = 'customer' and t.status in ('active', 'suspended')
                   and not exists (select from external_n8ns x where x.tenant_id::text = t.shared_instance)
                   and (s.name is null or s.zone <> coalesce(t.metadata ->> 'time_zone', 'UTC'))
                 order by t.id limit 1000";
    sqlx::query_as(find).bind(cluster).fetch_all(record).await
}
