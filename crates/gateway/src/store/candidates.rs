//! Tenants that share an n8n, with what speaks for one of their own.

use super::reader::{Reader, seen};
use crate::tenants::Candidate;

/// All that live, with how they do at the moment and what they ran in the busier of this month and the one before: a month that has just begun says
/// nothing. Figures older than a minute are none.
pub async fn sharing(reader: &Reader<'_>) -> Result<Vec<Candidate>, sqlx::Error> {
    let sharing = reader.ask(concat!(
        "select t.id, t.name, t.subdomain, t.plan, t.compliance, t.custom_domain, t.region, coalesce(u.executions, 0) as executions,
                s.queue_wait_p95_seconds, s.cpu_percent, s.concurrent_executions
           from tenants t
           left join tenant_samples s on s.tenant_id = t.id and s.at > now() - interval '1 minute'
           left join lateral (
                select max(month.executions)::bigint as executions from (
                    select sum(m.executions) as executions from usage_rollups_monthly m
                     where m.tenant_id = t.id and m.kind = 'production' and m.month >= date_trunc('month', now() at time zone 'utc') - interval '1 month'
                     group by m.month) month) u on true
          where t.purpose = 'customer' and t.mode = 'shared' and t.status in ('active', 'suspended') and ",
        seen!("t.id")
    ));
    sharing.all().await
}
