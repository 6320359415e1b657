//! What a service declares, made rows.

use sqlx::{FromRow, PgTransaction};
use time::OffsetDateTime;

use super::{ScheduleError, ScheduleStore};
use crate::{
    error::{Classify, Kind},
    schedules::{Misses, Moment, Plan, PlanError, Rule},
};

/// Any number that no other advisory lock of this database has.
const LOCK: i64 = 0x7270_3973_6368_6564;

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
        // Replicas start together: one after the other they see what the one before wrote.
        sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
        let now = sqlx::query_scalar("select coalesce($1, now())").bind(self.clock.given());
        let now: OffsetDateTime = now.fetch_one(&mut *transaction).await?;
        for (schedule, rule) in declared {
            let existing = existing(&mut transaction, schedule.name).await?;
            let next = match &existing {
                Some(existing) if existing.is(service, schedule) => continue,
                Some(existing) if existing.goes_on(schedule) => rule.moment(existing.next_due),
                Some(_) | None => rule.next_after(now)?,
            };
            write(&mut transaction, service, schedule, next).await?;
        }
        let names: Vec<_> = declared.iter().map(|(schedule, _)| schedule.name).collect();
        let retire = "update schedules set retired_at = now(), updated_at = now()
                       where service = $1 and tenant_id is null and retired_at is null and name <> all ($2)";
        sqlx::query(retire).bind(service).bind(names).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

impl Existing {
    /// Whether there is nothing to write.
    fn is(&self, service: &str, schedule: &Schedule) -> bool {
        let policy = (schedule.misses.as_str(), i32::from(schedule.jitter_seconds));
        self.goes_on(schedule)
            && (&*self.service, &*self.job) == (service, schedule.job)
            && (&*self.misses, self.jitter_seconds) == policy
    }

    /// Whether its moments are the same as before.
    fn goes_on(&self, schedule: &Schedule) -> bool {
        !self.retired && (&*self.cron, &*self.zone) == (schedule.cron, schedule.zone)
    }
}

async fn existing(
    transaction: &mut PgTransaction<'_>,
    name: &str,
) -> Result<Option<Existing>, ScheduleError> {
    let existing = sqlx::query_as(
        "select service, job, cron, zone, misses, jitter_seconds, retired_at is not null as retired, next_due
           from schedules where name = $1 for update",
    );
    Ok(existing.bind(name).fetch_optional(&mut **transaction).await?)
}

async fn write(
    transaction: &mut PgTransaction<'_>,
    service: &str,
    schedule: &Schedule,
    next: Moment,
) -> Result<(), ScheduleError> {
    sqlx::query(
        "insert into schedules (name, service, job, cron, zone, misses, jitter_seconds, next_due, fires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (name) do update
            set service = $2, job = $3, cron = $4, zone = $5, misses = $6, jitter_seconds = $7, next_due = $8,
                fires_at = $9, retired_at = null, updated_at = now()",
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
