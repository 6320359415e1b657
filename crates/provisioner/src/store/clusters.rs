//! This provisioner's cluster.

use ipnet::IpNet;
use sqlx::PgExecutor;

use crate::config::Site;

/// Says that the cluster is there, and what was last seen of what it needs.
pub async fn beat(
    executor: impl PgExecutor<'_>,
    site: &Site,
    dependencies: &serde_json::Value,
) -> Result<(), sqlx::Error> {
    let upsert = "insert into clusters (id, region, engine, subnets, dependencies, compliance)
         values ($1, $2, 'docker', $3, $4, $5)
         on conflict (id) do update set
             region = excluded.region, dependencies = excluded.dependencies, compliance = excluded.compliance,
             heartbeat_at = now()";
    sqlx::query(upsert)
        .bind(site.cluster.as_str())
        .bind(&site.region)
        .bind(IpNet::V4(site.subnets))
        .bind(dependencies)
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
