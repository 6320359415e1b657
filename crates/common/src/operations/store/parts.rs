//! Operations that are done as parts of others.

use serde_json::Value;
use sqlx::Row;

use super::{Part, StoreError, postgres::PostgresRecord};
use crate::{
    id::OperationId,
    operations::{NewOperation, accept::accept_part},
};

const HOW_IT_IS: &str = "
    select o.status, o.error,
           case when o.status = 'succeeded' then (
               select s.output from operation_steps s
                where s.operation_id = o.id and s.output is not null order by s.seq desc limit 1) end as state,
           case when o.finished_at is not null and o.status <> 'succeeded' then (
               select s.cause from operation_steps s
                where s.operation_id = o.id and s.cause is not null order by s.seq desc limit 1) end as cause
      from operations o where o.id = $1 and o.parent_id = $2";

/// The parent's row is only looked at. Whoever ends a part holds that part's row and wants the parent's, and the two would wait for each
/// other if this one locked them the other way round. Nothing is lost: what goes back never goes forward again, whoever drives it.
const CALL_OFF: &str = "
    update operations o set
        status = case o.status when 'queued' then 'rolled_back' else o.status end,
        finished_at = case o.status when 'queued' then now() else o.finished_at end,
        error = case o.status when 'queued' then $4 else o.error end,
        not_before = least(o.not_before, now()),
        cancellation = coalesce(o.cancellation, $4)
    from operations p
    where p.id = $1 and p.fence = $2 and p.lease_until > now()
      and o.parent_id = p.id and o.cancellation is null
      and (o.status = 'queued' or $3 and o.status in ('running', 'stuck'))";

const OPEN: &str =
    "select id from operations where parent_id = $1 and status in ('queued', 'running', 'undoing', 'stuck')";

impl PostgresRecord {
    pub(super) async fn accept_or_read_part(
        &self,
        new: &NewOperation<'_>,
        fence: i64,
    ) -> Result<Part, StoreError> {
        // Most looks find it there.
        if let Some(part) = self.part(new).await? {
            return Ok(part);
        }
        if accept_part(&self.statements, new, fence).await? {
            return Ok(Part::Accepted);
        }
        Ok(self.part(new).await?.unwrap_or(Part::Open))
    }

    async fn part(&self, new: &NewOperation<'_>) -> Result<Option<Part>, StoreError> {
        let row =
            sqlx::query(HOW_IT_IS).bind(new.id).bind(new.parent).fetch_optional(&self.statements).await?;
        let Some(row) = row else { return Ok(None) };
        let status: &str = row.try_get("status")?;
        Ok(Some(match status {
            "succeeded" => Part::Succeeded { state: row.try_get("state")? },
            "rolled_back" | "abandoned" => {
                Part::Failed { error: row.try_get("error")?, cause: row.try_get("cause")? }
            }
            _ => Part::Open,
        }))
    }

    pub(super) async fn call_off_parts(
        &self,
        parent: OperationId,
        fence: i64,
        unwinding: bool,
        why: &Value,
    ) -> Result<Vec<OperationId>, StoreError> {
        let call_off = sqlx::query(CALL_OFF).bind(parent).bind(fence).bind(unwinding).bind(why);
        call_off.execute(&self.statements).await?;
        Ok(sqlx::query_scalar(OPEN).bind(parent).fetch_all(&self.statements).await?)
    }
}
