//! This provisioner's cluster.

use engine::Capacity;
use ipnet::IpNet;
use sqlx::{FromRow, PgExecutor};

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

/// Connections to the tenants' Postgres, as the cluster's row has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Connections {
    /// How many all tenants together may open; `None` until the server was asked for the first time.
    #[sqlx(rename = "connections_usable")]
    pub usable: Option<i32>,
    /// How many those that are there may.
    #[sqlx(rename = "connections_committed")]
    pub committed: i32,
}

/// Says that the cluster is there, what was last seen of what it needs, and how much of it tenants have. One that is not in any
/// cluster yet may come into this one. What is known of connections since.
pub async fn beat(
    executor: impl PgExecutor<'_>,
    site: &Site,
    seen: &Seen,
    subnets: usize,
) -> Result<Connections, sqlx::Error> {
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
            subnets_committed = excluded.subnets_committed, counted_at = excluded.counted_at
        returning connections_usable, connections_committed";
    let whole = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    sqlx::query_as(upsert)
        .bind(site.cluster.as_str())
        .bind(&site.region)
        .bind(IpNet::V4(site.subnets))
        .bind(&seen.dependencies)
        .bind(seen.capacity.map(|capacity| whole(capacity.cpu_millis)))
        .bind(seen.capacity.map(|capacity| whole(capacity.memory_mb)))
        .bind(seen.connections.map(whole))
        .bind(i32::try_from(subnets).unwrap_or(i32::MAX))
        .bind(site.compliance.tags())
        .fetch_one(executor)
        .await
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
