//! What became of failovers, and what is still kept of where tenants lived.

use common::{
    error::Kind,
    id::{OperationId, TenantId},
    operations::{self, StepError},
};
use n8n::{account::UserId, copies::Brought, members::Place};
use sqlx::{PgConnection, PgExecutor, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;
use wire::kinds::TenantRetire;

use crate::{failover::Source, home::Lived};

/// Decides where the tenant is going to live, and as whom, unless that is decided: nobody else takes its place there. `None`: no shared n8n of its
/// cluster takes another one.
pub async fn place(
    connection: &mut PgConnection,
    operation: OperationId,
    as_whom: Place,
) -> Result<Option<Lived>, StepError> {
    let decided =
        "select instance, project, member from failovers where operation_id = $1 and instance is not null";
    let decided: Option<(TenantId, String, Uuid)> =
        sqlx::query_as(decided).bind(operation).fetch_optional(&mut *connection).await?;
    if let Some((instance, project, user)) = decided {
        let unreadable =
            |_| StepError::failed(Kind::Internal, "where the tenant is going to live cannot be read");
        let place = Place { user: UserId(user), project: project.parse().map_err(unreadable)? };
        return Ok(Some(Lived { instance, place }));
    }
    let chosen =
        "select place_for_failover(tenant_id) from failovers where operation_id = $1 and status = 'running'";
    let chosen: Option<Option<TenantId>> =
        sqlx::query_scalar(chosen).bind(operation).fetch_optional(&mut *connection).await?;
    let Some(instance) = chosen.flatten() else { return Ok(None) };
    let take = "update failovers set instance = $2, project = $3, member = $4 where operation_id = $1";
    let take = sqlx::query(take).bind(operation).bind(instance).bind(as_whom.project.as_str());
    take.bind(as_whom.user.0).execute(connection).await?;
    Ok(Some(Lived { instance, place: as_whom }))
}

/// Somebody else may have that place.
pub async fn without_place(executor: impl PgExecutor<'_>, operation: OperationId) -> Result<(), sqlx::Error> {
    let without =
        "update failovers set instance = null, project = null, member = null where operation_id = $1";
    sqlx::query(without).bind(operation).execute(executor).await.map(drop)
}

/// Since when callers wait.
pub async fn held(executor: impl PgExecutor<'_>, operation: OperationId) -> Result<(), sqlx::Error> {
    let held = "update failovers set held_at = clock_timestamp() where operation_id = $1 and held_at is null";
    sqlx::query(held).bind(operation).execute(executor).await.map(drop)
}

/// What the tenant is brought back from.
pub async fn comes_from(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    source: Source,
) -> Result<(), sqlx::Error> {
    let (word, backup) = match source {
        Source::Database => ("database", None),
        Source::Backup(backup) => ("backup", Some(backup)),
    };
    let comes = "update failovers set source = $2, backup_id = (select id from backups where id = $3) where operation_id = $1";
    sqlx::query(comes).bind(operation).bind(word).bind(backup).execute(executor).await.map(drop)
}

/// Nobody waits any more, this is what did not come along, and what is left of its own n8n is kept until then.
pub async fn succeeded(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    brought: &Brought,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let succeeded = "update failovers set status = 'succeeded', ended_at = $2, retire_at = $3, workflows = $4, credentials = $5, missing = $6
                      where operation_id = $1 and status = 'running'";
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let succeeded = sqlx::query(succeeded).bind(operation).bind(now).bind(until);
    let succeeded = succeeded.bind(count(brought.counts.workflows)).bind(count(brought.counts.credentials));
    succeeded.bind(Json(&brought.missing)).execute(executor).await.map(drop)
}

/// It is undone.
pub async fn not_yet(executor: impl PgExecutor<'_>, operation: OperationId) -> Result<(), sqlx::Error> {
    let not_yet = "update failovers set status = 'running', ended_at = null, retire_at = null, workflows = null, credentials = null, missing = null
                    where operation_id = $1 and status = 'succeeded'";
    sqlx::query(not_yet).bind(operation).execute(executor).await.map(drop)
}

/// Nothing of its own n8n is there any more.
pub async fn retired(executor: impl PgExecutor<'_>, failover: OperationId) -> Result<(), sqlx::Error> {
    let retired = "update failovers set retired_at = now() where operation_id = $1 and retired_at is null";
    sqlx::query(retired).bind(failover).execute(executor).await.map(drop)
}

/// Those of this cluster's tenants of whose own n8n nothing is to be kept any longer, the longest overdue first, and whom nobody is at.
pub async fn overdue(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    at_most: i64,
) -> Result<Vec<(OperationId, TenantId)>, sqlx::Error> {
    let overdue = "select f.operation_id, f.tenant_id from failovers f join tenants t on t.id = f.tenant_id
         where f.retired_at is null and f.status = 'succeeded' and f.retire_at <= now()
           and t.cluster_id = $1 and t.status in ('active', 'suspended', 'failed')
           and not exists (select from operations o where o.tenant_id = t.id and o.kind = $3
                              and (o.status in ('queued', 'running', 'undoing', 'stuck') or o.finished_at > now() - interval '10 minutes'))
         order by f.retire_at limit $2";
    let overdue = sqlx::query_as(overdue).bind(cluster).bind(at_most);
    overdue.bind(<TenantRetire as operations::Request>::KIND.name).fetch_all(executor).await
}

/// Of how many of this cluster's tenants something of an n8n of their own is left, and of how many of these it should be gone.
pub async fn left(executor: impl PgExecutor<'_>, cluster: &str) -> Result<(i64, i64), sqlx::Error> {
    let left = "select count(*), count(*) filter (where f.retire_at <= now())
         from failovers f join tenants t on t.id = f.tenant_id
        where f.status = 'succeeded' and f.retired_at is null and t.cluster_id = $1";
    sqlx::query_as(left).bind(cluster).fetch_one(executor).await
}
