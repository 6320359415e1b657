//! Whose figures are looked for, by the record.

use std::collections::BTreeMap;

use common::{cluster::ClusterId, id::TenantId, tenant::Mode};
use sqlx::{PgPool, Row as _, postgres::PgRow};

use crate::shards::SHARDS;

/// An n8n, and everybody who lives in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance {
    /// The part of the cluster that it falls into.
    pub shard: i16,
    /// Its own row: a customer's dedicated tenant, or the n8n that some share. None when it is gone before those who shared it.
    pub own: Option<Dedicated>,
    /// By the project that each has in it.
    pub members: BTreeMap<String, TenantId>,
    /// Whether somebody else runs it (ADR 46). Nothing of it is here to be looked at, and nobody looks into its database.
    pub is_external: bool,
}

/// What runs for an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dedicated {
    /// Whether tenants share it.
    pub is_shared: bool,
    /// By their names, what each container may use.
    pub containers: BTreeMap<String, Limits>,
    /// Workers that were seen to run and be well. `None`: nobody has looked lately.
    pub workers: Option<u64>,
}

/// What a container may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub cpu_millis: u32,
    pub memory_mb: u32,
}

/// A row changes when what is seen does; that it is still so was seen when its cluster was last looked at. What was seen longer ago is not
/// known any more: three passes of the reconciler.
const SIGHT: &str = "1 minute";

const FLEET: &str = "
    select h.shard, t.id, t.mode, t.purpose = 'shared' as is_shared, t.shared_instance, t.shared_project,
           coalesce(i.names, '{}') as names, coalesce(i.cpu, '{}') as cpu, coalesce(i.memory, '{}') as memory, i.workers, i.is_seen,
           exists (select from external_n8ns x where x.tenant_id::text = coalesce(t.shared_instance, t.id::text)) as is_external
      from tenants t
      cross join lateral (
          select shard_of(case when t.mode = 'dedicated' then t.id when t.shared_instance ~ '^[0-9a-f-]{36}$' then t.shared_instance::uuid end, $2)::smallint as shard) h
      left join lateral (
          select array_agg(i.name) as names, array_agg(i.cpu_millis) as cpu, array_agg(i.memory_mb) as memory,
                 count(*) filter (where i.role = 'worker' and i.state = 'running' and i.health in ('healthy', 'none')) as workers,
                 bool_and(i.seen_at is not null and i.state <> 'unknown' and c.observed_at > now() - $4::interval) as is_seen
            from tenant_instances i join clusters c on c.id = i.cluster_id where i.tenant_id = t.id) i on true
     where t.cluster_id = $1 and t.purpose in ('customer', 'shared') and t.status not in ('provisioning', 'failed', 'deleted')
       and h.shard = any($3)";

/// How many of the cluster's containers are how, as the reconciler last saw them.
pub async fn container_stats(
    pool: &PgPool,
    cluster: &ClusterId,
) -> Result<Vec<(&'static str, i64)>, sqlx::Error> {
    let counted = sqlx::query_as(
        "select count(*) filter (where is_seen and state = 'running' and health <> 'unhealthy'),
                count(*) filter (where is_seen and state <> 'running'),
                count(*) filter (where is_seen and state = 'running' and health = 'unhealthy'),
                count(*) filter (where is_seen is not true)
           from (select i.state, i.health,
                        i.seen_at is not null and i.state <> 'unknown' and c.observed_at > now() - $2::interval as is_seen
                   from tenant_instances i join clusters c on c.id = i.cluster_id
                   join tenants t on t.id = i.tenant_id and t.status = 'active' where i.cluster_id = $1) i",
    );
    let (running, stopped, unhealthy, unknown): (i64, i64, i64, i64) =
        counted.bind(cluster.as_str()).bind(SIGHT).fetch_one(pool).await?;
    Ok(vec![("running", running), ("stopped", stopped), ("unhealthy", unhealthy), ("unknown", unknown)])
}

/// The instances of these parts of the cluster.
pub async fn of_shards(
    pool: &PgPool,
    cluster: &ClusterId,
    shards: &[i16],
) -> Result<BTreeMap<TenantId, Instance>, sqlx::Error> {
    let rows = sqlx::query(FLEET).bind(cluster.as_str()).bind(i32::from(SHARDS)).bind(shards);
    let rows = rows.bind(SIGHT).fetch_all(pool).await?;
    let mut instances: BTreeMap<TenantId, Instance> = BTreeMap::new();
    for row in &rows {
        let tenant: TenantId = row.try_get("id")?;
        let shard: i16 = row.try_get("shard")?;
        let is_external: bool = row.try_get("is_external")?;
        if row.try_get::<&str, _>("mode")? == Mode::Dedicated.as_str() {
            if !is_external {
                let instance = instances.entry(tenant).or_default();
                instance.shard = shard;
                instance.own = Some(dedicated(row)?);
            }
            continue;
        }
        let project: Option<String> = row.try_get("shared_project")?;
        let instance: Option<&str> = row.try_get("shared_instance")?;
        if let Some((instance, project)) = instance.and_then(|text| text.parse().ok()).zip(project) {
            let instance = instances.entry(TenantId::from_uuid(instance)).or_default();
            instance.shard = shard;
            instance.is_external = is_external;
            instance.members.insert(project, tenant);
        }
    }
    Ok(instances)
}

fn dedicated(row: &PgRow) -> Result<Dedicated, sqlx::Error> {
    let names: Vec<String> = row.try_get("names")?;
    let (cpu, memory): (Vec<i32>, Vec<i32>) = (row.try_get("cpu")?, row.try_get("memory")?);
    let limits = cpu
        .into_iter()
        .zip(memory)
        .map(|(cpu, memory)| Limits { cpu_millis: cpu.unsigned_abs(), memory_mb: memory.unsigned_abs() });
    let is_seen: Option<bool> = row.try_get("is_seen")?;
    let workers: Option<i64> = row.try_get("workers")?;
    Ok(Dedicated {
        is_shared: row.try_get("is_shared")?,
        containers: names.into_iter().zip(limits).collect(),
        workers: workers.filter(|_| is_seen == Some(true)).map(i64::unsigned_abs),
    })
}
