//! Tenants that share an n8n, with what speaks for one of their own.

use sqlx::{FromRow, PgPool};

use super::reader::{Reader, seen};
use crate::tenants::Candidate;

/// All that live and are not about to be moved, with how they do at the moment and what they ran in the busier of this month and the one before: a month
/// that has just begun says nothing. Figures older than a minute are none.
macro_rules! sharing {
    ($($which:tt)+) => {
        concat!(
            "select t.id, t.name, t.subdomain, t.plan, t.compliance, t.custom_domain, t.region, coalesce(u.executions, 0) as executions,
                    s.queue_wait_p95_seconds, s.cpu_percent, s.concurrent_executions, t.metadata ->> 'time_zone' as zone
               from tenants t
               left join tenant_samples s on s.tenant_id = t.id and s.at > now() - interval '1 minute'
               left join lateral (
                    select max(month.executions)::bigint as executions from (
                        select sum(m.executions) as executions from usage_rollups_monthly m
                         where m.tenant_id = t.id and m.kind = 'production' and m.month >= date_trunc('month', now() at time zone 'utc') - interval '1 month'
                         group by m.month) month) u on true
              where t.purpose = 'customer' and t.mode = 'shared' and t.status in ('active', 'suspended')
                and not exists (select from operations o where o.tenant_id = t.id and o.kind = 'tenant.promote'
                                                           and o.status in ('queued', 'running', 'undoing', 'stuck')) and ",
            $($which)+
        )
    };
}

/// Those that whoever asks may see.
pub async fn sharing(reader: &Reader<'_>) -> Result<Vec<Candidate>, sqlx::Error> {
    reader.ask(sharing!(seen!("t.id"))).all().await
}

/// One that may be moved without being asked for.
#[derive(Debug, FromRow)]
pub struct Movable {
    #[sqlx(flatten)]
    pub candidate: Candidate,
    /// On whose clocks its nights are, as its owner said.
    pub zone: Option<String>,
}

/// Those that serve, out of n8ns that the platform runs. Of whom a move was tried within a month, or who fell back, a person says what becomes.
pub async fn movable(record: &PgPool) -> Result<Vec<Movable>, sqlx::Error> {
    let movable = sharing!(
        "t.status = 'active' and not exists (select from external_n8ns x where x.tenant_id::text = t.shared_instance)
         and not exists (select from promotions p where p.tenant_id = t.id and p.asked_at > now() - interval '30 days')
         and not exists (select from failovers f where f.tenant_id = t.id and f.asked_at > now() - interval '30 days')"
    );
    sqlx::query_as(movable).fetch_all(record).await
}
