//! Deciding about what is due.

use sqlx::{FromRow, PgTransaction};
use time::OffsetDateTime;

use super::{ScheduleError, ScheduleStore};
use crate::{
    database,
    schedules::{Decided, Decision, Row},
};

/// Whether one of these jobs is due: `$1` the jobs, `$2` the time or nothing.
macro_rules! due {
    ($what:literal, $rest:literal) => {
        concat!(
            "select ",
            $what,
            " from schedules where job = any ($1) and paused_at is null and retired_at is null
                and fires_at <= coalesce($2, now()) ",
            $rest
        )
    };
}

#[derive(FromRow)]
struct Due {
    #[sqlx(flatten)]
    row: Row,
    now: OffsetDateTime,
}

impl ScheduleStore {
    /// Who comes second finds the row locked, or moved on.
    pub(super) async fn decide_one(&self, jobs: &[&str]) -> Result<Option<Decided>, ScheduleError> {
        let now = self.clock.given();
        // Nothing is due most of the time, and asking that is one statement that writes nothing.
        let any = sqlx::query(due!("", "limit 1")).bind(jobs).bind(now).fetch_optional(&self.pool).await?;
        if any.is_none() {
            return Ok(None);
        }
        let mut transaction = database::begin(&self.pool).await?;
        let due = sqlx::query_as(due!(
            "name, service, job, tenant_id, cluster, cron, zone, misses, jitter_seconds, payload, false as retired,
                next_due, coalesce($2, now()) as now",
            "order by fires_at limit 1 for update skip locked"
        ));
        let due: Option<Due> = due.bind(jobs).bind(now).fetch_optional(&mut *transaction).await?;
        let Some(Due { row, now }) = due else { return Ok(None) };
        let decided = match row.decide(now) {
            Ok(decision) => write(&mut transaction, &row, &decision).await?,
            Err(why) => {
                pause(&mut transaction, &row.name, &why).await?;
                Decided { schedule: row.name, job: row.job, since: row.next_due, fired: 0, passed_over: 0 }
            }
        };
        transaction.commit().await?;
        Ok(Some(decided))
    }
}

async fn write(
    transaction: &mut PgTransaction<'_>,
    row: &Row,
    decision: &Decision,
) -> Result<Decided, ScheduleError> {
    let moments = &decision.fire;
    let fired = sqlx::query(
        "insert into schedule_firings (schedule, due_at, fires_at)
         select $1, due_at, fires_at from unnest($2::timestamptz[], $3::timestamptz[]) as moment (due_at, fires_at)
         on conflict (schedule, due_at) do nothing",
    )
    .bind(&row.name)
    .bind(moments.iter().map(|moment| moment.due_at).collect::<Vec<_>>())
    .bind(moments.iter().map(|moment| moment.fires_at).collect::<Vec<_>>())
    .execute(&mut **transaction)
    .await?
    .rows_affected();
    sqlx::query("update schedules set next_due = $2, fires_at = $3 where name = $1")
        .bind(&row.name)
        .bind(decision.next.due_at)
        .bind(decision.next.fires_at)
        .execute(&mut **transaction)
        .await?;
    let (schedule, job, since) = (row.name.clone(), row.job.clone(), row.next_due);
    Ok(Decided { schedule, job, since, fired, passed_over: decision.passed_over })
}

/// Declarations are read before they become rows, so somebody else wrote this one. Trying it every second helps nobody.
async fn pause(transaction: &mut PgTransaction<'_>, name: &str, why: &str) -> Result<(), ScheduleError> {
    tracing::error!(schedule = name, error = why, "a schedule cannot be followed and is paused");
    let paused = sqlx::query(
        "update schedules set paused_at = now(), paused_by = 'rp9', paused_reason = $2, updated_at = now()
          where name = $1",
    );
    paused.bind(name).bind(why).execute(&mut **transaction).await?;
    Ok(())
}
