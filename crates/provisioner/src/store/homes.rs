//! Where tenants live.

use std::collections::BTreeSet;

use common::{
    error::Kind,
    id::{OperationId, TenantId},
    operations::StepError,
};
use engine::ClusterId;
use n8n::{
    account::UserId,
    members::{ExecutionId, Place},
};
use sqlx::{PgExecutor, Row, postgres::PgRow};

use crate::home::{Dedicated, Former, Home, Second, Sides, Workspace};

/// What [`read`] needs of a row of tenants.
macro_rules! columns {
    () => {
        "t.mode, t.cluster_id, t.active_color, t.n8n_version, t.second_version, t.second_weight, t.second_is_former,
         t.shared_instance, t.shared_project, t.shared_user, exists (select from external_n8ns x where x.tenant_id::text = t.shared_instance) as shared_external"
    };
}
pub(super) use columns;

/// The tenant's home; `None` for one that has no place yet, or none any more.
pub async fn find(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<Home>, StepError> {
    let find = sqlx::query(concat!("select ", columns!(), " from tenants t where t.id = $1")).bind(tenant);
    read(&find.fetch_one(executor).await?)
}

/// Whether it shares an n8n.
pub async fn is_shared(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let shared = "select mode = 'shared' from tenants where id = $1";
    sqlx::query_scalar(shared).bind(tenant).fetch_one(executor).await
}

pub(super) fn read(row: &PgRow) -> Result<Option<Home>, StepError> {
    let Some(cluster) = row.try_get::<Option<&str>, _>("cluster_id")? else { return Ok(None) };
    let cluster: ClusterId = cluster.parse().map_err(|_| unreadable("cluster"))?;
    if row.try_get::<&str, _>("mode")? == "shared" {
        let external = row.try_get("shared_external")?;
        let part = part(row)?;
        return Ok(
            part.map(|(instance, place)| Home::Shared(Workspace { cluster, instance, external, place }))
        );
    }
    Ok(own(row)?.map(Home::Dedicated))
}

/// What is a tenant's own in its cluster, or would be: of whoever shares an n8n nothing is there yet.
pub(super) fn own(row: &PgRow) -> Result<Option<Dedicated>, StepError> {
    let Some(cluster) = row.try_get::<Option<&str>, _>("cluster_id")? else { return Ok(None) };
    Ok(Some(Dedicated {
        cluster: cluster.parse().map_err(|_| unreadable("cluster"))?,
        color: row.try_get::<&str, _>("active_color")?.parse().map_err(|_| unreadable("color"))?,
        version: row.try_get::<&str, _>("n8n_version")?.parse().map_err(|_| unreadable("n8n version"))?,
        second: second(row)?,
    }))
}

fn second(row: &PgRow) -> Result<Option<Second>, StepError> {
    let Some(version) = row.try_get::<Option<&str>, _>("second_version")? else { return Ok(None) };
    let weight = row.try_get::<i16, _>("second_weight")?;
    Ok(Some(Second {
        version: version.parse().map_err(|_| unreadable("second side's n8n version"))?,
        weight: u8::try_from(weight).map_err(|_| unreadable("second side's share"))?,
        is_former: row.try_get("second_is_former")?,
    }))
}

/// Which n8n it shares, and who it is in there; `None` until both are decided.
fn part(row: &PgRow) -> Result<Option<(TenantId, Place)>, StepError> {
    let instance: Option<&str> = row.try_get("shared_instance")?;
    let who = row.try_get::<Option<&str>, _>("shared_project")?.zip(row.try_get("shared_user")?);
    let Some((instance, (project, user))) = instance.zip(who) else { return Ok(None) };
    let instance = instance.parse().map_err(|_| unreadable("shared n8n"))?;
    let project = project.parse().map_err(|_| unreadable("project"))?;
    Ok(Some((TenantId::from_uuid(instance), Place { user: UserId(user), project })))
}

fn unreadable(what: &str) -> StepError {
    StepError::failed(Kind::Internal, format!("the tenant's {what} cannot be read"))
}

/// These are its sides from now on.
pub async fn have(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    Sides { color, version, second }: &Sides,
) -> Result<(), sqlx::Error> {
    let have = "update tenants set active_color = $2, n8n_version = $3, second_version = $4, second_weight = $5, second_is_former = $6,
                       updated_at = now()
                 where id = $1 and (active_color, n8n_version, second_version, second_weight, second_is_former)
                       is distinct from ($2, $3, $4, $5::smallint, $6)";
    let have = sqlx::query(have).bind(tenant).bind(color.as_str()).bind(version.to_string());
    let have = have.bind(second.map(|second| second.version.to_string()));
    let have = have.bind(second.map_or(0, |second| i16::from(second.weight)));
    have.bind(second.is_some_and(|second| second.is_former)).execute(executor).await.map(drop)
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

/// Decides who the tenant is in the n8n that it shares, unless that is decided already. Nobody is ever who somebody else was.
pub async fn join(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    Place { user, project }: &Place,
) -> Result<(), sqlx::Error> {
    let join = "update tenants set shared_project = $2, shared_user = $3, updated_at = now()
                 where id = $1 and shared_project is null";
    sqlx::query(join).bind(tenant).bind(project.as_str()).bind(user.0).execute(executor).await.map(drop)
}

/// It lives in what is its own, and its callers' paths still lead to it, as do the addresses of these executions, which wait; `None`: of
/// those that it was when it moved out before.
pub async fn move_out(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    waiting: Option<&BTreeSet<ExecutionId>>,
) -> Result<(), sqlx::Error> {
    let waiting: Option<Vec<i32>> = waiting.map(|waiting| waiting.iter().map(|id| id.0).collect());
    let out = "update tenants set mode = 'dedicated', former_instance = shared_instance::uuid, former_project = shared_project, former_waiting = coalesce($2, former_waiting),
                      shared_instance = null, shared_project = null, shared_user = null, updated_at = now()
                where id = $1 and mode = 'shared'";
    sqlx::query(out).bind(tenant).bind(waiting).execute(executor).await.map(drop)
}

/// The way back. Which executions waited stays noted: it may be undone. Of a second side nothing is left.
pub async fn move_back(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    Workspace { instance, place, .. }: &Workspace,
) -> Result<(), sqlx::Error> {
    let back = "update tenants set mode = 'shared', former_instance = null, former_project = null,
                       second_version = null, second_weight = 0, second_is_former = false,
                       shared_instance = $2::text, shared_project = $3, shared_user = $4, updated_at = now()
                 where id = $1 and mode = 'dedicated'";
    let back = sqlx::query(back).bind(tenant).bind(instance.uuid()).bind(place.project.as_str());
    back.bind(place.user.0).execute(executor).await.map(drop)
}

/// The way out again: to whom its callers' paths led beside itself they lead as before.
pub async fn stay_out(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    former: Option<&Former>,
) -> Result<(), sqlx::Error> {
    let out = "update tenants set mode = 'dedicated', former_instance = $2, former_project = $3,
                      shared_instance = null, shared_project = null, shared_user = null, updated_at = now()
                where id = $1 and mode = 'shared'";
    let (instance, project) = former.map(|former| (former.instance, former.project.as_str())).unzip();
    sqlx::query(out).bind(tenant).bind(instance).bind(project).execute(executor).await.map(drop)
}

/// Who the tenant was in an n8n that it shared before it had one of its own, if it was anybody.
pub async fn former(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<Former>, StepError> {
    let former =
        "select former_instance, former_project from tenants where id = $1 and former_instance is not null";
    let former: Option<(TenantId, String)> =
        sqlx::query_as(former).bind(tenant).fetch_optional(executor).await?;
    let read = |(instance, project): (TenantId, String)| {
        let project = project.parse().map_err(|_| unreadable("former project"))?;
        Ok(Former { instance, project })
    };
    former.map(read).transpose()
}
