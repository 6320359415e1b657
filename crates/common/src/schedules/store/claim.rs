//! Getting the right to run a firing, keeping it, and giving it back.

use std::time::Duration;

use sqlx::Row;

use super::{ScheduleError, ScheduleStore};
use crate::{
    id::TenantId,
    schedules::{Claimed, Firing, Outcome, Subject},
};

/// The oldest firing that may be run now: new, due again, or left behind by a runner whose lease ended. One schedule's
/// firings come one after the other.
const CLAIM: &str = "
    update schedule_firings f set
        state = 'running',
        attempts = f.attempts + 1,
        fence = f.fence + 1,
        lease_until = now() + make_interval(secs => $2)
    from schedules s
    where s.name = f.schedule and (f.schedule, f.due_at) = (
        select o.schedule, o.due_at
        from schedule_firings o join schedules os on os.name = o.schedule
        where o.state in ('waiting', 'running')
          and os.job = any ($1) and os.paused_at is null and os.retired_at is null
          and o.not_before <= now()
          and (o.lease_until is null or o.lease_until <= now())
          and not exists (
              select from schedule_firings earlier
              where earlier.schedule = o.schedule
                and earlier.state in ('waiting', 'running')
                and earlier.due_at < o.due_at)
        order by o.due_at, o.schedule
        for update of o skip locked
        limit 1)
    returning f.schedule, f.due_at, f.attempts, f.fence, s.job, s.tenant_id, s.cluster, s.payload,
        extract(epoch from now() - f.fires_at)::float8 as late";

impl ScheduleStore {
    pub(super) async fn claim_oldest(&self, jobs: &[&str]) -> Result<Option<Claimed>, ScheduleError> {
        let claim = sqlx::query(CLAIM).bind(jobs).bind(self.lease.as_secs_f64());
        let Some(row) = claim.fetch_optional(&self.pool).await? else { return Ok(None) };
        let firing = Firing {
            schedule: row.try_get("schedule")?,
            due_at: row.try_get("due_at")?,
            subject: Subject::of_columns(
                row.try_get::<Option<TenantId>, _>("tenant_id")?,
                row.try_get("cluster")?,
            ),
            payload: row.try_get("payload")?,
            attempt: row.try_get("attempts")?,
        };
        let late = row.try_get::<f64, _>("late")?.max(0.0);
        let (job, fence) = (row.try_get("job")?, row.try_get("fence")?);
        Ok(Some(Claimed { firing, job, fence, late: Duration::from_secs_f64(late) }))
    }

    pub(super) async fn renew_lease(&self, claimed: &Claimed) -> Result<(), ScheduleError> {
        let renewed = sqlx::query(
            "update schedule_firings set lease_until = now() + make_interval(secs => $4)
              where schedule = $1 and due_at = $2 and fence = $3 and lease_until > now()",
        );
        let firing = &claimed.firing;
        let renewed = renewed.bind(&firing.schedule).bind(firing.due_at).bind(claimed.fence);
        held(renewed.bind(self.lease.as_secs_f64()).execute(&self.pool).await?.rows_affected())
    }

    pub(super) async fn note_outcome(
        &self,
        claimed: &Claimed,
        outcome: &Outcome,
    ) -> Result<(), ScheduleError> {
        let (state, error, pause, uncounted) = match outcome {
            Outcome::Done => ("done", None, None, 0),
            Outcome::Failed(error) => ("failed", Some(error), None, 0),
            Outcome::Again { pause, error } => ("waiting", Some(error), Some(pause.as_secs_f64()), 0),
            Outcome::Released => ("waiting", None, None, 1),
        };
        let finished = sqlx::query(
            "update schedule_firings
                set state = $4, error = case when $4 = 'done' then null else coalesce($5, error) end,
                    not_before = coalesce(now() + make_interval(secs => $6), not_before),
                    attempts = attempts - $7, lease_until = null,
                    finished_at = case when $4 in ('done', 'failed') then now() end
              where schedule = $1 and due_at = $2 and fence = $3 and lease_until > now()",
        );
        let firing = &claimed.firing;
        let finished = finished.bind(&firing.schedule).bind(firing.due_at).bind(claimed.fence).bind(state);
        let finished = finished.bind(error).bind(pause).bind(uncounted);
        held(finished.execute(&self.pool).await?.rows_affected())
    }
}

fn held(rows: u64) -> Result<(), ScheduleError> {
    if rows == 1 { Ok(()) } else { Err(ScheduleError::LeaseLost) }
}
