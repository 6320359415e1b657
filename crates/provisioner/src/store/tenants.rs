//! Tenants.

use common::{
    error::Kind,
    id::{OperationId, TenantId},
    operations::StepError,
    tenant::Color,
};
use ipnet::{IpNet, Ipv4Net};
use sqlx::{PgExecutor, Row, postgres::PgRow};
use time::OffsetDateTime;

/// A dedicated tenant with the limits that hold for it.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub email: String,
    pub subdomain: String,
    pub custom_domain: Option<String>,
    pub version: n8n::Version,
    pub subnet: Option<Ipv4Net>,
    pub generation: i64,
    pub color: Color,
    pub cpu_millis: u32,
    pub memory_mb: u32,
    pub workers: u32,
    pub concurrent_executions: u32,
    pub created_at: OffsetDateTime,
}

const GET: &str = "
    select t.id, t.name, t.email, t.subdomain, t.custom_domain, t.n8n_version, t.subnet, t.generation, t.active_color,
        t.created_at, l.cpu_millis, l.memory_mb, l.workers, l.concurrent_executions
    from tenants t join tenant_limits l on l.tenant_id = t.id
    where t.id = $1";

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
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        subdomain: row.try_get("subdomain")?,
        custom_domain: row.try_get("custom_domain")?,
        version: row.try_get::<&str, _>("n8n_version")?.parse().map_err(|_| unreadable("n8n version"))?,
        subnet: subnet.and_then(|net| match net {
            IpNet::V4(net) => Some(net),
            IpNet::V6(_) => None,
        }),
        generation: row.try_get("generation")?,
        color: row.try_get::<&str, _>("active_color")?.parse().map_err(|_| unreadable("color"))?,
        cpu_millis: positive("cpu_millis")?,
        memory_mb: positive("memory_mb")?,
        workers: positive("workers")?,
        concurrent_executions: positive("concurrent_executions")?,
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

/// From now on it serves. A tenant that is to be deleted meanwhile stays so, and serves if that is cancelled.
pub async fn activate(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let active = "update tenants set
            status = case status when 'deleting' then status else 'active' end,
            status_before_deleting = case status when 'deleting' then 'active' end,
            failure = null, updated_at = now()
        where id = $1 and status in ('provisioning', 'deleting')";
    sqlx::query(active).bind(tenant).execute(executor).await.map(drop)
}

/// It did not come up, for the reason its operation gives. A tenant that is to be deleted meanwhile stays so.
pub async fn fail(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    operation: OperationId,
) -> Result<(), sqlx::Error> {
    let failed = "update tenants set
            status = case status when 'deleting' then status else 'failed' end,
            status_before_deleting = case status when 'deleting' then 'failed' end,
            failure = (select error ->> 'detail' from operations where id = $2),
            subnet = null, cluster_id = null, updated_at = now()
        where id = $1";
    sqlx::query(failed).bind(tenant).bind(operation).execute(executor).await.map(drop)
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
