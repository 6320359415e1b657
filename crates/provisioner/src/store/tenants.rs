//! Tenants.

use common::{
    error::Kind,
    id::{OperationId, TenantId},
    operations::StepError,
    tenant::{Purpose, TenantStatus},
};
use engine::ClusterId;
use ipnet::{IpNet, Ipv4Net};
use n8n::Version;
use sqlx::{PgConnection, PgExecutor, Row, postgres::PgRow};
use time::OffsetDateTime;

use super::homes;
use crate::home::{Dedicated, Home, here};

/// A tenant with the limits that hold for it.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: TenantId,
    pub purpose: Purpose,
    pub name: String,
    pub email: String,
    pub subdomain: String,
    pub custom_domain: Option<String>,
    /// Where it asked to be; anywhere when absent.
    pub region: Option<String>,
    /// What the cluster that it is in must comply with.
    pub compliance: Vec<String>,
    /// `None` until it has a place.
    pub home: Option<Home>,
    /// What is its own where it has a place, or is about to be.
    pub own: Option<Dedicated>,
    pub subnet: Option<Ipv4Net>,
    pub generation: i64,
    pub cpu_millis: u32,
    pub memory_mb: u32,
    pub workers: u32,
    /// Among so many its concurrent executions are shared out, however many there are by now.
    pub base_workers: u32,
    pub concurrent_executions: u32,
    pub executions_per_month: u32,
    pub api_calls_per_hour: u32,
    pub created_at: OffsetDateTime,
}

const GET: &str = concat!(
    "select t.id, t.purpose, t.name, t.email, t.subdomain, t.custom_domain, t.region, t.compliance, t.subnet, t.generation, t.created_at,
        l.cpu_millis, l.memory_mb, l.workers, coalesce(l.base_workers, l.workers) as base_workers,
        l.concurrent_executions, l.executions_per_month, l.api_calls_per_hour, ",
    homes::columns!(),
    " from tenants t join tenant_limits l on l.tenant_id = t.id
    where t.id = $1"
);

impl Tenant {
    /// What is its own in this cluster; it must have its place here.
    pub fn dedicated_in(&self, cluster: &ClusterId) -> Result<Dedicated, StepError> {
        let home = self.home.clone();
        let home = home.ok_or_else(|| StepError::failed(Kind::Internal, "the tenant has no place yet"))?;
        here(home.cluster(), cluster)?;
        home.dedicated()
    }

    /// The same of one that shares an n8n too, once something was set aside for it.
    pub fn own_in(&self, cluster: &ClusterId) -> Result<Dedicated, StepError> {
        match (&self.home, &self.own) {
            (Some(Home::Shared(part)), Some(own)) if self.subnet.is_some() => {
                here(&part.cluster, cluster)?;
                Ok(own.clone())
            }
            _ => self.dedicated_in(cluster),
        }
    }
}

/// The tenant, which must exist.
pub async fn get(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Tenant, StepError> {
    let row = sqlx::query(GET).bind(tenant).fetch_one(executor).await?;
    read(&row)
}

fn read(row: &PgRow) -> Result<Tenant, StepError> {
    let unreadable =
        |what: &str| StepError::failed(Kind::Internal, format!("the tenant's {what} cannot be read"));
    let positive = |column: &str| -> Result<u32, StepError> {
        u32::try_from(row.try_get::<i32, _>(column)?).map_err(|_| unreadable(column))
    };
    let subnet: Option<IpNet> = row.try_get("subnet")?;
    Ok(Tenant {
        id: row.try_get("id")?,
        purpose: Purpose::of_record(row.try_get("purpose")?),
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        subdomain: row.try_get("subdomain")?,
        custom_domain: row.try_get("custom_domain")?,
        region: row.try_get("region")?,
        compliance: row.try_get("compliance")?,
        home: homes::read(row)?,
        own: homes::own(row)?,
        subnet: subnet.and_then(|net| match net {
            IpNet::V4(net) => Some(net),
            IpNet::V6(_) => None,
        }),
        generation: row.try_get("generation")?,
        cpu_millis: positive("cpu_millis")?,
        memory_mb: positive("memory_mb")?,
        workers: positive("workers")?,
        base_workers: positive("base_workers")?,
        concurrent_executions: positive("concurrent_executions")?,
        executions_per_month: positive("executions_per_month")?,
        api_calls_per_hour: positive("api_calls_per_hour")?,
        created_at: row.try_get("created_at")?,
    })
}

/// How many bytes of storage each tenant of this cluster has in its plan.
pub async fn storage(
    executor: impl PgExecutor<'_>,
    cluster: &str,
) -> Result<Vec<(TenantId, u64)>, sqlx::Error> {
    let storage = "select t.id, l.storage_gb from tenants t join tenant_limits l on l.tenant_id = t.id
                   where t.cluster_id = $1";
    let storage: Vec<(TenantId, i32)> = sqlx::query_as(storage).bind(cluster).fetch_all(executor).await?;
    Ok(storage.into_iter().map(|(tenant, gb)| (tenant, u64::from(gb.unsigned_abs()) << 30)).collect())
}

/// From now on it is so, by this operation. If one that was accepted later has given it another status meanwhile, it keeps that, and this is
/// what it becomes when nothing comes of the later one.
pub async fn settle(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    status: TenantStatus,
) -> Result<(), sqlx::Error> {
    let settle = sqlx::query("select settle_tenant($1, $2, null)").bind(operation).bind(status.as_str());
    settle.execute(executor).await.map(drop)
}

/// It did not come up, for the reason its operation gives, and gives up its place.
pub async fn fail(
    connection: &mut PgConnection,
    tenant: TenantId,
    operation: OperationId,
) -> Result<(), sqlx::Error> {
    let failed = "select settle_tenant(id, 'failed', error ->> 'detail') from operations where id = $1";
    sqlx::query(failed).bind(operation).execute(&mut *connection).await?;
    let place = sqlx::query("update tenants set subnet = null, cluster_id = null where id = $1").bind(tenant);
    place.execute(connection).await.map(drop)
}

/// Its routes are about to lead to something else: the generation that they get.
pub async fn next_generation(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<i64, sqlx::Error> {
    let next = "update tenants set generation = generation + 1, updated_at = now() where id = $1 returning generation";
    sqlx::query_scalar(next).bind(tenant).fetch_one(executor).await
}

/// It is being removed.
pub async fn deleting(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let deleting = "update tenants set status = 'deleting', updated_at = now()
                    where id = $1 and status not in ('deleting', 'deleted')";
    sqlx::query(deleting).bind(tenant).execute(executor).await.map(drop)
}

/// It is gone.
pub async fn deleted(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let deleted = "update tenants set status = 'deleted', subnet = null, cluster_id = null,
                       deleted_at = coalesce(deleted_at, now()), updated_at = now()
                   where id = $1";
    sqlx::query(deleted).bind(tenant).execute(executor).await.map(drop)
}

/// Which release of n8n it runs.
pub async fn version(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Version, StepError> {
    let version = sqlx::query_scalar("select n8n_version from tenants where id = $1").bind(tenant);
    let version: String = version.fetch_one(executor).await?;
    version
        .parse()
        .map_err(|_| StepError::failed(Kind::Internal, "the release that a tenant runs cannot be read"))
}

/// It runs this release of n8n from now on.
pub async fn runs(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    version: Version,
) -> Result<(), sqlx::Error> {
    let runs = "update tenants set n8n_version = $2, updated_at = now() where id = $1 and n8n_version <> $2";
    sqlx::query(runs).bind(tenant).bind(version.to_string()).execute(executor).await.map(drop)
}
