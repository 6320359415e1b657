//! Getting the right to act, and keeping it.

use std::time::Duration;

use sqlx::{Row, postgres::PgRow};
use tokio::time::Instant;

use super::{
    Claim, Claimed, Parent, Store, StoreError,
    postgres::{PostgresRecord, seconds},
};
use crate::{
    cluster::ClusterId,
    id::{OperationId, TenantId},
    operations::Subject,
};

/// Whether another operation on the same subject keeps `o` waiting.
macro_rules! another_first {
    ($same_subject:literal) => {
        concat!(
            "exists (
              select from operations other
              where ",
            $same_subject,
            " and other.id <> o.id
                and other.parent_id is not distinct from o.parent_id
                and (other.lane = o.lane or other.alone or o.alone or o.parent_id is not null)
                and (other.status in ('running', 'undoing', 'stuck')
                     or other.status = 'queued' and other.not_before <= now()
                        and (other.created_at, other.id) < (o.created_at, o.id)))"
        )
    };
}

/// The most urgent operation that may be acted for now: new, due again, or left behind by a worker whose lease ended.
/// Operations of one tenant (or cluster) and lane begin in the order of their acceptance, whatever their urgency, and one that has begun comes before
/// those that have not: when the clock was set back, it may bear a later time than they do, and they would wait for each other
/// for ever. What needs the tenant alone is in every lane. The parts of an operation take turns with each other and with nobody else. One that waits for a later moment keeps nobody waiting. One that was cancelled goes back.
macro_rules! claim {
    (order by $order:literal) => {
        concat!(
            "
    update operations set
        status = case when status = 'queued' then 'running'
                      when status = 'running' and cancellation is not null then 'undoing'
                      else status end,
        error = case when status = 'running' and cancellation is not null then cancellation else error end,
        started_at = coalesce(started_at, now()),
        cluster_id = coalesce(cluster_id, $5),
        orphaned = lease_until is not null,
        child_ended = false,
        lease_owner = $2,
        lease_until = now() + make_interval(secs => $3),
        fence = fence + 1
    where id = (
        select o.id from operations o
        where o.status in ('queued', 'running', 'undoing')
          and o.kind = any($1)
          and o.not_before <= now()
          and (o.lease_until is null or o.lease_until <= now())
          and (o.cluster_id is null or $5::text is null or o.cluster_id = $5)
          and (o.status <> 'queued' or not (",
            another_first!("other.tenant_id = o.tenant_id"),
            " or o.tenant_id is null and ",
            another_first!("other.tenant_id is null and other.cluster_id = o.cluster_id"),
            "))
          and (select count(*) from operations busy
                where busy.status in ('running', 'undoing') and busy.lease_until > now()
                  and ($5::text is null or busy.cluster_id = $5)) < $4
        order by ",
            $order,
            "
        for update of o skip locked
        limit 1)
    returning id, kind, tenant_id, cluster_id, request, status = 'undoing' as undoing, orphaned, fence, actor,
        greatest(extract(epoch from deadline - now()), 0)::float8 as time_left,
        correlation_id, traceparent, extract(epoch from now() - greatest(created_at, due_at))::float8 as age,
        parent_id, (select p.kind from operations p where p.id = operations.parent_id) as parent_kind,
        (select p.service from operations p where p.id = operations.parent_id) as parent_service"
        )
    };
}

/// What keeps two of them from running at once, should two workers look at the same moment.
const ONE_AT_A_TIME: [&str; 5] = [
    "operations_one_at_a_time",
    "operations_one_copy_at_a_time",
    "operations_one_child_at_a_time",
    "operations_one_on_a_cluster",
    "operations_one_copy_on_a_cluster",
];

const MOST_URGENT: &str = claim!(order by "o.priority, o.created_at");
const OLDEST: &str = claim!(order by "o.created_at");

impl PostgresRecord {
    pub(super) async fn claim_due(&self, claim: &Claim<'_>) -> Result<Option<Claimed>, StoreError> {
        let words: Vec<_> = claim.kinds.iter().map(|kind| kind.as_str()).collect();
        let claimed = sqlx::query(if claim.oldest_first { OLDEST } else { MOST_URGENT })
            .bind(words)
            .bind(claim.owner)
            .bind(seconds(claim.lease))
            .bind(i64::from(claim.at_most))
            .bind(claim.cluster)
            .fetch_optional(&self.queue)
            .await;
        let row = match claimed {
            Ok(row) => row,
            // Two workers reached for two operations of one tenant at once; the other one was quicker.
            Err(sqlx::Error::Database(e))
                if e.constraint().is_some_and(|name| ONE_AT_A_TIME.contains(&name)) =>
            {
                None
            }
            Err(error) => return Err(error.into()),
        };
        let Some(row) = row else { return Ok(None) };
        let word: &str = row.try_get("kind")?;
        let kind = claim.kinds.iter().find(|kind| kind.as_str() == word);
        let fence = row.try_get("fence")?;
        Ok(Some(Claimed {
            id: OperationId::from_uuid(row.try_get("id")?),
            kind: kind.ok_or(StoreError::Unreadable)?,
            subject: subject(&row)?,
            parent: parent(&row)?,
            request: row.try_get("request")?,
            undoing: row.try_get("undoing")?,
            // From now, which is later than the record's answer: nothing is given up too soon.
            deadline: Instant::now() + Duration::from_secs_f64(row.try_get("time_left")?),
            orphaned: row.try_get("orphaned")?,
            fence,
            actor: row.try_get("actor")?,
            correlation_id: row.try_get("correlation_id")?,
            traceparent: row.try_get("traceparent")?,
            age: Duration::from_secs_f64(row.try_get::<f64, _>("age")?.max(0.0)),
            fresh: fence == 1,
            asked_at: claim.asked_at,
        }))
    }

    pub(super) async fn renew_lease(
        &self,
        id: OperationId,
        fence: i64,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let renewed = sqlx::query(
            "update operations set lease_until = now() + make_interval(secs => $3)
             where id = $1 and fence = $2 and lease_until > now()",
        );
        let done = renewed.bind(id).bind(fence).bind(seconds(lease)).execute(&self.statements).await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        // Given back by the very work this renews for, which is about to say so: nothing is lost.
        let given_back = "select from operations where id = $1 and fence = $2 and lease_until is null";
        let row = sqlx::query(given_back).bind(id).bind(fence).fetch_optional(&self.statements).await?;
        held(row.iter().len() as u64)
    }

    pub(super) async fn check_lease(&self, id: OperationId, fence: i64) -> Result<(), StoreError> {
        let holds = "select from operations where id = $1 and fence = $2 and lease_until > now()";
        let row = sqlx::query(holds).bind(id).bind(fence).fetch_optional(&self.statements).await?;
        held(row.iter().len() as u64)
    }
}

impl Store {
    /// The same inside a transaction on the database that the operations are in.
    pub(in crate::operations) async fn check_in(
        &self,
        id: OperationId,
        fence: i64,
        transaction: &mut sqlx::PgTransaction<'_>,
    ) -> Result<(), StoreError> {
        // Sharing the row keeps the next claim waiting until this transaction is over.
        let holds = "select from operations where id = $1 and fence = $2 and lease_until > now() for share";
        let row = sqlx::query(holds).bind(id).bind(fence).fetch_optional(&mut **transaction).await?;
        held(row.iter().len() as u64)
    }
}

fn subject(row: &PgRow) -> Result<Subject, StoreError> {
    if let Some(tenant) = row.try_get::<Option<TenantId>, _>("tenant_id")? {
        return Ok(tenant.into());
    }
    Ok(row.try_get::<ClusterId, _>("cluster_id")?.into())
}

fn parent(row: &PgRow) -> Result<Option<Parent>, sqlx::Error> {
    let Some(id) = row.try_get("parent_id")? else { return Ok(None) };
    let (kind, service) = (row.try_get("parent_kind")?, row.try_get("parent_service")?);
    Ok(Some(Parent { id, kind, service }))
}

fn held(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
