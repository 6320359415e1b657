//! What became of promotions, and what is still kept of where tenants lived.

use common::{
    error::Kind,
    id::{BackupId, OperationId, PromotionId, TenantId},
    operations::{self, StepError},
};
use n8n::{
    account::UserId,
    copies::Changes,
    members::{Place, ProjectId},
};
use sqlx::{PgExecutor, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use wire::kinds::TenantRetire;

use crate::home::Lived;

/// Where the tenant lives that this operation moves.
pub async fn lived(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    Lived { instance, place }: &Lived,
) -> Result<(), sqlx::Error> {
    let lived = "update promotions set instance = $2, project = $3, member = $4 where operation_id = $1 and status = 'running'";
    let lived = sqlx::query(lived).bind(operation).bind(instance).bind(place.project.as_str());
    lived.bind(place.user.0).execute(executor).await.map(drop)
}

/// What was made before.
pub async fn backed_up(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    backup: Option<BackupId>,
) -> Result<(), sqlx::Error> {
    let backed_up =
        "update promotions set backup_id = (select id from backups where id = $2) where operation_id = $1";
    sqlx::query(backed_up).bind(operation).bind(backup).execute(executor).await.map(drop)
}

/// Since when callers wait.
pub async fn frozen(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    since: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let frozen = "update promotions set frozen_at = $2 where operation_id = $1 and frozen_at is null";
    sqlx::query(frozen).bind(operation).bind(since).execute(executor).await.map(drop)
}

/// Nobody waits any more, and what it had is kept until then.
pub async fn succeeded(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let succeeded =
        "update promotions set status = 'succeeded', thawed_at = $2, ended_at = $2, retire_at = $3
                      where operation_id = $1 and status = 'running'";
    let succeeded = sqlx::query(succeeded).bind(operation).bind(now).bind(until);
    succeeded.execute(executor).await.map(drop)
}

/// It is undone.
pub async fn not_yet(executor: impl PgExecutor<'_>, operation: OperationId) -> Result<(), sqlx::Error> {
    let not_yet =
        "update promotions set status = 'running', thawed_at = null, ended_at = null, retire_at = null
                    where operation_id = $1 and status = 'succeeded'";
    sqlx::query(not_yet).bind(operation).execute(executor).await.map(drop)
}

/// What is kept of a tenant where it lived.
pub struct Kept {
    pub promotion: PromotionId,
    pub lived: Lived,
    /// Whether its executions went along.
    pub executions: bool,
    /// It goes then.
    pub until: Option<OffsetDateTime>,
}

/// Where the tenant lived, if something of it is kept there.
pub async fn kept(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Vec<Kept>, StepError> {
    let kept = "select id, instance, project, member, executions, retire_at from promotions
                 where tenant_id = $1 and status = 'succeeded' and instance is not null and retired_at is null";
    let kept: Vec<(PromotionId, TenantId, String, Uuid, bool, Option<OffsetDateTime>)> =
        sqlx::query_as(kept).bind(tenant).fetch_all(executor).await?;
    let unreadable = |_| StepError::failed(Kind::Internal, "where the tenant lived cannot be read");
    let read = |(promotion, instance, project, user, executions, until): (_, _, String, _, _, _)| {
        let project = project.parse().map_err(unreadable)?;
        let lived = Lived { instance, place: Place { user: UserId(user), project } };
        Ok(Kept { promotion, lived, executions, until })
    };
    kept.into_iter().map(read).collect()
}

/// Who the tenant was with this project, if a promotion moved it out of there.
pub async fn member(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    project: &ProjectId,
) -> Result<Option<Place>, sqlx::Error> {
    let member =
        "select member from promotions where tenant_id = $1 and project = $2 order by asked_at desc limit 1";
    let member: Option<Uuid> =
        sqlx::query_scalar(member).bind(tenant).bind(project.as_str()).fetch_optional(executor).await?;
    Ok(member.map(|user| Place { user: UserId(user), project: project.clone() }))
}

/// The tenant is back where it lived, and this is what it did meanwhile, which a backup has.
pub async fn rolled_back(
    executor: impl PgExecutor<'_>,
    promotion: PromotionId,
    (backup, changes): (Option<BackupId>, &Changes),
) -> Result<(), sqlx::Error> {
    let back = "update promotions set status = 'rolled_back', rolled_back_at = now(), changes = $2,
                       own_backup_id = (select id from backups where id = $3)
                 where id = $1 and status = 'succeeded'";
    sqlx::query(back).bind(promotion).bind(Json(changes)).bind(backup).execute(executor).await.map(drop)
}

/// That is undone.
pub async fn not_rolled_back(
    executor: impl PgExecutor<'_>,
    promotion: PromotionId,
) -> Result<(), sqlx::Error> {
    let not_back = "update promotions set status = 'succeeded', rolled_back_at = null, changes = null, own_backup_id = null
                     where id = $1 and status = 'rolled_back'";
    sqlx::query(not_back).bind(promotion).execute(executor).await.map(drop)
}

/// Whether the tenant is back where it lived, by this promotion's end.
pub async fn is_rolled_back(
    executor: impl PgExecutor<'_>,
    promotion: PromotionId,
) -> Result<bool, sqlx::Error> {
    let is_back = "select exists (select from promotions where id = $1 and status = 'rolled_back')";
    sqlx::query_scalar(is_back).bind(promotion).fetch_one(executor).await
}

/// Nothing of it is there any more.
pub async fn retired(executor: impl PgExecutor<'_>, promotion: PromotionId) -> Result<(), sqlx::Error> {
    let retired = "update promotions set retired_at = now() where id = $1 and retired_at is null";
    sqlx::query(retired).bind(promotion).execute(executor).await.map(drop)
}

/// Those of this cluster's tenants of whom nothing is to be kept any longer, the longest overdue first, and whom nobody is at.
pub async fn overdue(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    at_most: i64,
) -> Result<Vec<(PromotionId, TenantId)>, sqlx::Error> {
    let overdue = "select p.id, p.tenant_id from promotions p join tenants t on t.id = p.tenant_id
         where p.retired_at is null and (p.status = 'succeeded' and p.retire_at <= now() or p.status = 'rolled_back')
           and t.cluster_id = $1 and t.status in ('active', 'suspended', 'failed')
           and not exists (select from operations o where o.tenant_id = t.id and o.kind = $3
                              and (o.status in ('queued', 'running', 'undoing', 'stuck') or o.finished_at > now() - interval '10 minutes'))
         order by p.retire_at limit $2";
    let overdue = sqlx::query_as(overdue).bind(cluster).bind(at_most);
    overdue.bind(<TenantRetire as operations::Request>::KIND.name).fetch_all(executor).await
}

/// Of how many of this cluster's tenants something is left where they do not live, and of how many of these it should be gone.
pub async fn left(executor: impl PgExecutor<'_>, cluster: &str) -> Result<(i64, i64), sqlx::Error> {
    let left = "select count(*), count(*) filter (where p.status = 'rolled_back' or p.retire_at <= now())
         from promotions p join tenants t on t.id = p.tenant_id
        where p.status in ('succeeded', 'rolled_back') and p.retired_at is null and t.cluster_id = $1";
    sqlx::query_as(left).bind(cluster).fetch_one(executor).await
}
