//! What a service declares, made rows.

use sqlx::{FromRow, PgTransaction};
use time::OffsetDateTime;

use super::{ScheduleError, ScheduleStore};
use crate::{
    error::{Classify, Kind},
    schedules::{Misses, Plan, PlanError, Rule},
};

/// A schedule as a service's code declares it.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Lower-case letters, digits, dots, hyphens and underscores.
    pub name: &'static str,
    /// The name of the job it runs.
    pub job: &'static str,
    /// Five fields.
    pub cron: &'static str,
    /// An IANA zone, or `UTC`.
    pub zone: &'static str,
    pub misses: Misses,
    /// 3,600 at most.
    pub jitter_seconds: u16,
}

/// A declaration that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    #[error("the schedule {schedule} cannot be planned")]
    Plan { schedule: &'static str, source: PlanError },
    #[error("the schedule {schedule} names a job that is not there: {job}")]
    NoJob { schedule: &'static str, job: &'static str },
    #[error("two schedules have the name {0}")]
    Twice(&'static str),
    #[error("the schedule {0} may fire up to an hour late, not more")]
    Jitter(&'static str),
}

impl Classify for DeclareError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
}

impl Schedule {
    /// How it fires, if it can.
    pub(in crate::schedules) fn rule(&self) -> Result<Rule, DeclareError> {
        let plan = Plan::parse(self.cron, self.zone)
            .map_err(|source| DeclareError::Plan { schedule: self.name, source })?;
        if self.jitter_seconds > 3_600 {
            return Err(DeclareError::Jitter(self.name));
        }
        let (misses, jitter_seconds) = (self.misses, self.jitter_seconds.into());
        Ok(Rule { name: self.name.to_owned(), plan, misses, jitter_seconds })
    }
}

#[derive(FromRow)]
struct Existing {
    service: String,
    job: String,
    cron: String,
    zone: String,
    misses: String,
    jitter_seconds: i32,
    retired: bool,
    next_due: OffsetDateTime,
}

impl ScheduleStore {
    /// Makes the rows of this service what it declares. A new schedule, one that comes back and one with another expression
    /// or zone is due from now on; every other goes on where it is, and a pause stays. One that is declared no longer is
    /// retired. What is so already is not written.
    pub(in crate::schedules) async fn declare(
        &self,
        service: &str,
        declared: &[(Schedule, Rule)],
    ) -> Result<(), ScheduleError> {
        let mut transaction = self.pool.begin().await?;
        let now = sqlx::query_scalar("select coalesce($1, now())").bind(self.clock.given());
        let now: OffsetDateTime = now.fetch_one(&mut *transaction).await?;
        // In the order of their names, so that replicas that declare at once do not wait for each other in a circle.
        let mut declared: Vec<_> = declared.iter().collect();
        declared.sort_by_key(|(schedule, _)| schedule.name);
        for (schedule, rule) in &declared {
            if !insert(&mut transaction, service, schedule, rule, now).await? {
                update(&mut transaction, service, schedule, rule, now).await?;
            }
        }
        let names: Vec<_> = declared.iter().map(|(schedule, _)| schedule.name).collect();
        let retire = "update schedules set retired_at = now(), updated_at = now()
                       where service = $1 and tenant_id is null and retired_at is null and name <> all ($2)";
        sqlx::query(retire).bind(service).bind(names).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

async fn insert(
    transaction: &mut PgTransaction<'_>,
    service: &str,
    schedule: &Schedule,
    rule: &Rule,
    now: OffsetDateTime,
) -> Result<bool, ScheduleError> {
    let first = rule.next_after(now)?;
    let inserted = sqlx::query(
        "insert into schedules (name, service, job, cron, zone, misses, jitter_seconds, next_due, fires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (name) do nothing",
    )
    .bind(schedule.name)
    .bind(service)
    .bind(schedule.job)
    .bind(schedule.cron)
    .bind(schedule.zone)
    .bind(schedule.misses.as_str())
    .bind(i32::from(schedule.jitter_seconds))
    .bind(first.due_at)
    .bind(first.fires_at)
    .execute(&mut **transaction)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn update(
    transaction: &mut PgTransaction<'_>,
    service: &str,
    schedule: &Schedule,
    rule: &Rule,
    now: OffsetDateTime,
) -> Result<(), ScheduleError> {
    let existing: Existing = sqlx::query_as(
        "select service, job, cron, zone, misses, jitter_seconds, retired_at is not null as retired, next_due
           from schedules where name = $1 for update",
    )
    .bind(schedule.name)
    .fetch_one(&mut **transaction)
    .await?;
    let replanned = existing.retired || (&*existing.cron, &*existing.zone) != (schedule.cron, schedule.zone);
    let unchanged = (&*existing.service, &*existing.job, &*existing.misses, existing.jitter_seconds)
        == (service, schedule.job, schedule.misses.as_str(), schedule.jitter_seconds.into());
    if unchanged && !replanned {
        return Ok(());
    }
    let next = if replanned { rule.next_after(now)? } else { rule.moment(existing.next_due) };
    sqlx::query(
        "update schedules
            set service = $2, job = $3, cron = $4, zone = $5, misses = $6, jitter_seconds = $7, next_due = $8,
                fires_at = $9, retired_at = null, updated_at = now()
          where name = $1",
    )
    .bind(schedule.name)
    .bind(service)
    .bind(schedule.job)
    .bind(schedule.cron)
    .bind(schedule.zone)
    .bind(schedule.misses.as_str())
    .bind(i32::from(schedule.jitter_seconds))
    .bind(next.due_at)
    .bind(next.fires_at)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
