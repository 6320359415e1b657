//! Where tenants live.

use common::{
    error::Kind,
    id::{OperationId, TenantId},
    operations::StepError,
};
use engine::ClusterId;
use sqlx::{PgExecutor, Row, postgres::PgRow};

use crate::home::{Dedicated, Home};

/// What [`read`] needs of a row of tenants.
macro_rules! columns {
    () => {
        "t.mode, t.cluster_id, t.active_color, t.n8n_version, t.shared_instance, t.shared_project"
    };
}
pub(super) use columns;

/// The tenant's home; `None` for one that has no place yet, or none any more.
pub async fn find(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<Home>, StepError> {
    let find = sqlx::query(concat!("select ", columns!(), " from tenants t where t.id = $1")).bind(tenant);
    read(&find.fetch_one(executor).await?)
}

pub(super) fn read(row: &PgRow) -> Result<Option<Home>, StepError> {
    let Some(cluster) = row.try_get::<Option<&str>, _>("cluster_id")? else { return Ok(None) };
    let cluster: ClusterId = cluster.parse().map_err(|_| unreadable("cluster"))?;
    if row.try_get::<&str, _>("mode")? == "shared" {
        let shared = row.try_get::<Option<_>, _>("shared_instance")?.zip(row.try_get("shared_project")?);
        return Ok(shared.map(|(instance, project)| Home::Shared { cluster, instance, project }));
    }
    Ok(Some(Home::Dedicated(Dedicated {
        cluster,
        color: row.try_get::<&str, _>("active_color")?.parse().map_err(|_| unreadable("color"))?,
        version: row.try_get::<&str, _>("n8n_version")?.parse().map_err(|_| unreadable("n8n version"))?,
    })))
}

fn unreadable(what: &str) -> StepError {
    StepError::failed(Kind::Internal, format!("the tenant's {what} cannot be read"))
}

/// Gives the tenant a place in a cluster that suits it, unless it has one already, and its operation goes to that one. Without such a
/// cluster it stays where it is, and the operation is anybody's again.
pub async fn place(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    operation: OperationId,
) -> Result<(), sqlx::Error> {
    let place = "with placed as (
            update tenants set cluster_id = place_tenant(plan, region, compliance, 1), updated_at = now()
             where id = $1 and cluster_id is null returning cluster_id)
        update operations set cluster_id = placed.cluster_id from placed where id = $2";
    sqlx::query(place).bind(tenant).bind(operation).execute(executor).await.map(drop)
}
