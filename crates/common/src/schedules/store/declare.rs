//! What a service declares, made rows.

use sqlx::PgTransaction;
use time::OffsetDateTime;

use super::{ScheduleError, ScheduleStore};
use crate::{
    database,
    error::{Classify, Kind},
    schedules::{Misses, Moment, Plan, PlanError, Row, Rule, first_moment},
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
    pub fn rule(&self) -> Result<Rule, DeclareError> {
        let plan = Plan::parse(self.cron, self.zone)
            .map_err(|source| DeclareError::Plan { schedule: self.name, source })?;
        if self.jitter_seconds > 3_600 {
            return Err(DeclareError::Jitter(self.name));
        }
        let (misses, jitter_seconds) = (self.misses, self.jitter_seconds.into());
        Ok(Rule { name: self.name.to_owned(), plan, misses, jitter_seconds })
    }
}

impl ScheduleStore {
    pub(super) async fn declare_rows(
        &self,
        service: &str,
        declared: &[(Schedule, Rule)],
    ) -> Result<(), ScheduleError> {
        let mut transaction = database::begin(&self.pool).await?;
        // Replicas start together: one after the other they see what the one before wrote.
        sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
        let now = sqlx::query_scalar("select coalesce($1, now())").bind(self.clock.given());
        let now: OffsetDateTime = now.fetch_one(&mut *transaction).await?;
        for (schedule, rule) in declared {
            let existing = existing(&mut transaction, schedule.name).await?;
            if let Some(next) = first_moment(existing.as_ref(), service, schedule, rule, now)? {
                write(&mut transaction, service, schedule, next).await?;
            }
        }
        let names: Vec<_> = declared.iter().map(|(schedule, _)| schedule.name).collect();
        let retire = "update schedules set retired_at = now(), updated_at = now()
                       where service = $1 and tenant_id is null and retired_at is null and name <> all ($2)";
        sqlx::query(retire).bind(service).bind(names).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

async fn existing(transaction: &mut PgTransaction<'_>, name: &str) -> Result<Option<Row>, ScheduleError> {
    let existing = sqlx::query_as(
        "select name, service, job, cron, zone, misses, jitter_seconds, retired_at is not null as retired, next_due
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
