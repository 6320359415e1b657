//! What the record says when everything is over. Read directly, past the proxies.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::Context;
use common::id::{OperationId, TenantId};
use serde_json::Value;
use sqlx::{FromRow, PgPool};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use crate::{asked::Size, world::Limits};

const ASK_EVERY: Duration = Duration::from_millis(500);

/// Everything that is compared.
#[derive(Debug, Default)]
pub struct Record {
    pub operations: HashMap<OperationId, Operation>,
    pub tenants: HashMap<TenantId, Tenant>,
    /// When each operation was first written to under each fence, for those with several.
    pub begun: HashMap<OperationId, Vec<(i64, OffsetDateTime)>>,
    pub refusals: Vec<Refusal>,
}

/// What the audit log says was refused for how things were, which uses a signature up.
#[derive(Debug, Clone, FromRow)]
pub struct Refusal {
    pub action: String,
    pub tenant_id: Option<TenantId>,
    pub operation_id: Option<OperationId>,
    pub at: OffsetDateTime,
}

#[derive(Debug, Clone, FromRow)]
pub struct Operation {
    pub id: OperationId,
    pub kind: String,
    pub tenant_id: TenantId,
    pub status: String,
    pub request: Value,
    pub error: Option<String>,
    pub created_at: OffsetDateTime,
    pub started_at: Option<OffsetDateTime>,
    pub finished_at: Option<OffsetDateTime>,
    /// Rows of the audit log that say it was accepted.
    pub audited: i64,
    /// Events that say it was accepted, and that it ended.
    pub told_accepted: i64,
    pub told_ended: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Tenant {
    pub status: String,
    /// What answers in place of each of its routes: nothing, where the tenant itself does.
    pub routes: Vec<Option<String>>,
    pub size: Size,
    /// The containers that should run, and what each of them gets.
    pub containers: BTreeMap<String, Limits>,
}

#[derive(FromRow)]
struct TenantRow {
    id: TenantId,
    status: String,
    routes: Vec<Option<String>>,
    cpu_millis: i32,
    memory_mb: i32,
    workers: i32,
}

#[derive(FromRow)]
struct ContainerRow {
    tenant_id: TenantId,
    name: String,
    cpu_millis: i32,
    memory_mb: i32,
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
        select operation_id, action, count(*) as rows from audit_logs
        where outcome = 'accepted' and operation_id is not null group by operation_id, action
    )
    select o.id, o.kind, o.tenant_id, o.status, o.request, o.error::text as error, o.created_at, o.started_at, o.finished_at,
        coalesce(a.rows, 0) as audited, coalesce(c.accepted, 0) as told_accepted, coalesce(c.ended, 0) as told_ended
    from operations o left join counted c on c.operation_id = o.id
         left join audited a on a.operation_id = o.id and a.action = o.kind";

const TENANTS: &str = "
    select t.id, t.status, l.cpu_millis, l.memory_mb, l.workers,
        array(select stand_in from routes r where r.tenant_id = t.id) as routes
    from tenants t join tenant_limits l on l.tenant_id = t.id";

const CONTAINERS: &str = "select tenant_id, name, cpu_millis, memory_mb from tenant_instances";

const BEGUN: &str = "
    select operation_id, fence, min(at) as at from operation_steps
    where operation_id in (select id from operations where fence > 1) group by operation_id, fence";

const REFUSALS: &str = "
    select action, tenant_id, operation_id, at from audit_logs
    where outcome like 'refused: %' and outcome <> 'refused: signature_repeated'";

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
        let rows: Vec<(OperationId, i64, OffsetDateTime)> = sqlx::query_as(BEGUN).fetch_all(pool).await?;
        let mut begun: HashMap<OperationId, Vec<_>> = HashMap::new();
        for (operation, fence, at) in rows {
            begun.entry(operation).or_default().push((fence, at));
        }
        let operations = operations.into_iter().map(|operation| (operation.id, operation)).collect();
        let refusals = sqlx::query_as(REFUSALS).fetch_all(pool).await?;
        Ok(Self { operations, tenants: tenants(pool).await?, begun, refusals })
    }
}

async fn tenants(pool: &PgPool) -> anyhow::Result<HashMap<TenantId, Tenant>> {
    let rows: Vec<TenantRow> = sqlx::query_as(TENANTS).fetch_all(pool).await?;
    let tenant = |TenantRow { id, status, routes, cpu_millis, memory_mb, workers }| {
        let Limits { cpu_millis, memory_mb } = limits(cpu_millis, memory_mb);
        let size = Size { cpu_millis, memory_mb, workers: workers.unsigned_abs() };
        (id, Tenant { status, routes, size, containers: BTreeMap::new() })
    };
    let mut tenants: HashMap<_, _> = rows.into_iter().map(tenant).collect();
    let rows: Vec<ContainerRow> = sqlx::query_as(CONTAINERS).fetch_all(pool).await?;
    for ContainerRow { tenant_id, name, cpu_millis, memory_mb } in rows {
        let tenant = tenants.get_mut(&tenant_id).context("a container of no tenant")?;
        tenant.containers.insert(name, limits(cpu_millis, memory_mb));
    }
    Ok(tenants)
}

fn limits(cpu_millis: i32, memory_mb: i32) -> Limits {
    Limits { cpu_millis: cpu_millis.unsigned_abs(), memory_mb: memory_mb.unsigned_abs() }
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
