//! What the record says when everything is over. Read directly, past the proxies.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use common::id::{OperationId, TenantId};
use sqlx::{FromRow, PgPool};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

const ASK_EVERY: Duration = Duration::from_millis(500);

/// Everything that is compared.
#[derive(Debug, Default)]
pub struct Record {
    pub operations: HashMap<OperationId, Operation>,
    pub tenants: HashMap<TenantId, Tenant>,
    /// When each operation was first written to under each fence, for those with several.
    pub begun: HashMap<OperationId, Vec<(i64, OffsetDateTime)>>,
}

#[derive(Debug, Clone, FromRow)]
pub struct Operation {
    pub id: OperationId,
    pub kind: String,
    pub tenant_id: TenantId,
    pub status: String,
    pub error: Option<String>,
    /// Rows of the audit log that say it was accepted.
    pub audited: i64,
    /// Events that say it was accepted, and that it ended.
    pub told_accepted: i64,
    pub told_ended: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Tenant {
    pub status: String,
    pub routes: i64,
    /// The containers that should run.
    pub containers: BTreeSet<String>,
}

const OPERATIONS: &str = "
    with told as (
        select operation_id, kind from events union all select operation_id, kind from event_outbox
    ), counted as (
        select operation_id,
            count(*) filter (where kind = 'operation.accepted') as accepted,
            count(*) filter (where kind in ('operation.succeeded', 'operation.rolled_back')) as ended
        from told where operation_id is not null group by operation_id
    ), audited as (
        select operation_id, count(*) as rows from audit_logs
        where outcome = 'accepted' and action in ('tenant.create', 'tenant.delete') group by operation_id
    )
    select o.id, o.kind, o.tenant_id, o.status, o.error::text as error, coalesce(a.rows, 0) as audited,
        coalesce(c.accepted, 0) as told_accepted, coalesce(c.ended, 0) as told_ended
    from operations o left join counted c on c.operation_id = o.id left join audited a on a.operation_id = o.id";

const TENANTS: &str = "
    select t.id, t.status, (select count(*) from routes r where r.tenant_id = t.id) as routes,
        array(select name from tenant_instances i where i.tenant_id = t.id) as containers
    from tenants t";

const BEGUN: &str = "
    select operation_id, fence, min(at) as at from operation_steps
    where operation_id in (select id from operations where fence > 1) group by operation_id, fence";

/// From the last row of one holder to the first row of the next, where the first did not put the operation down itself.
const TAKEOVERS: &str = "
    select extract(epoch from at - before_at)::float8 * 1000 from (
        select at, fence, lag(at) over rows as before_at, lag(fence) over rows as before_fence,
            lag(event) over rows as before_event
        from operation_steps window rows as (partition by operation_id order by seq)) pairs
    where fence > before_fence and before_event not in ('failed', 'undo_failed') order by 1";

impl Record {
    /// Reads it.
    pub async fn read(pool: &PgPool) -> anyhow::Result<Self> {
        let operations: Vec<Operation> = sqlx::query_as(OPERATIONS).fetch_all(pool).await?;
        let tenants: Vec<(TenantId, String, i64, Vec<String>)> =
            sqlx::query_as(TENANTS).fetch_all(pool).await?;
        let rows: Vec<(OperationId, i64, OffsetDateTime)> = sqlx::query_as(BEGUN).fetch_all(pool).await?;
        let mut begun: HashMap<OperationId, Vec<_>> = HashMap::new();
        for (operation, fence, at) in rows {
            begun.entry(operation).or_default().push((fence, at));
        }
        let tenant = |(id, status, routes, names): (TenantId, String, i64, Vec<String>)| {
            (id, Tenant { status, routes, containers: names.into_iter().collect() })
        };
        Ok(Self {
            operations: operations.into_iter().map(|operation| (operation.id, operation)).collect(),
            tenants: tenants.into_iter().map(tenant).collect(),
            begun,
        })
    }
}

/// Waits until nothing is open, every event is told and every row of the audit log is chained; or for so long. Returns how
/// many operations are open still.
pub async fn settle(pool: &PgPool, patience: Duration) -> anyhow::Result<i64> {
    let begun = Instant::now();
    loop {
        let open = "select count(*), (select count(*) from event_outbox),
                        (select count(*) from audit_logs where position is null)
                    from operations where status in ('queued', 'running', 'undoing')";
        let (open, untold, unsealed): (i64, i64, i64) = sqlx::query_as(open).fetch_one(pool).await?;
        if open + untold + unsealed == 0 || begun.elapsed() > patience {
            return Ok(open);
        }
        sleep(ASK_EVERY).await;
    }
}

/// How long operations lay still because their holder had died, in milliseconds, the shortest first.
pub async fn takeovers(pool: &PgPool) -> anyhow::Result<Vec<f64>> {
    Ok(sqlx::query_scalar(TAKEOVERS).fetch_all(pool).await?)
}
