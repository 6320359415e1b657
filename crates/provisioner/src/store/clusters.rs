//! This provisioner's cluster.

use engine::Capacity;
use ipnet::IpNet;
use sqlx::PgExecutor;

use crate::config::Site;

/// What a look at the cluster's servers found.
#[derive(Debug)]
pub struct Seen {
    /// How each is: {"docker": "up", …}.
    pub dependencies: serde_json::Value,
    /// `None`: it could not be asked. What was known before stays.
    pub capacity: Option<Capacity>,
    /// How many connections all tenants together may have; `None` as above.
    pub connections: Option<u32>,
}

/// Says that the cluster is there, what was last seen of what it needs, and how much of it tenants have. One that is not in any
/// cluster yet may come into this one.
pub async fn beat(
    executor: impl PgExecutor<'_>,
    site: &Site,
    seen: &Seen,
    subnets: usize,
) -> Result<(), sqlx::Error> {
    let upsert =
        "insert into clusters as c (id, region, engine, subnets, dependencies, cpu_millis, memory_mb,
            connections_usable, subnets_usable, connections_committed, subnets_committed, counted_at, compliance)
        select $1, $2, 'docker', $3, $4, $5, $6, $7, $8, given.connections, given.tenants, now(), $9
          from cluster_committed($1) given
        on conflict (id) do update set
            region = excluded.region, subnets = excluded.subnets, dependencies = excluded.dependencies, compliance = excluded.compliance,
            heartbeat_at = now(),
            cpu_millis = coalesce(excluded.cpu_millis, c.cpu_millis),
            memory_mb = coalesce(excluded.memory_mb, c.memory_mb),
            connections_usable = coalesce(excluded.connections_usable, c.connections_usable),
            subnets_usable = excluded.subnets_usable, connections_committed = excluded.connections_committed,
            subnets_committed = excluded.subnets_committed, counted_at = excluded.counted_at";
    let whole = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    sqlx::query(upsert)
        .bind(site.cluster.as_str())
        .bind(&site.region)
        .bind(IpNet::V4(site.subnets))
        .bind(&seen.dependencies)
        .bind(seen.capacity.map(|capacity| whole(capacity.cpu_millis)))
        .bind(seen.capacity.map(|capacity| whole(capacity.memory_mb)))
        .bind(seen.connections.map(whole))
        .bind(i32::try_from(subnets).unwrap_or(i32::MAX))
        .bind(site.compliance.tags())
        .execute(executor)
        .await
        .map(drop)
}

/// The cluster's row is there, also before its first heartbeat.
pub async fn ensure(executor: impl PgExecutor<'_>, site: &Site) -> Result<(), sqlx::Error> {
    let insert =
        "insert into clusters (id, region, engine, subnets, compliance) values ($1, $2, 'docker', $3, $4)
         on conflict (id) do nothing";
    let insert =
        sqlx::query(insert).bind(site.cluster.as_str()).bind(&site.region).bind(IpNet::V4(site.subnets));
    let insert = insert.bind(site.compliance.tags());
    insert.execute(executor).await.map(drop)
}
