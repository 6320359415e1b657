//! Making the record's schedules what a service declares, and those of single subjects what it wants.

use sqlx::PgTransaction;
use time::OffsetDateTime;

use super::{ScheduleError, ScheduleStore};
use crate::{
    database,
    schedules::{Moment, Row, Rule, Schedule, first_moment},
};

/// "rp9sched", as a number no other advisory lock of this database has.
const LOCK: i64 = 0x7270_3973_6368_6564;

impl ScheduleStore {
    pub(super) async fn declare_rows(
        &self,
        service: &str,
        declared: &[(Schedule, Rule)],
    ) -> Result<(), ScheduleError> {
        let mut transaction = database::begin(&self.pool).await?;
        // Replicas start together: one after the other they see what the one before wrote.
        sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
        for (schedule, rule) in declared {
            self.make(&mut transaction, service, schedule, rule).await?;
        }
        let names: Vec<_> = declared.iter().map(|(schedule, _)| schedule.name.as_str()).collect();
        let retire = "update schedules set retired_at = now(), updated_at = now()
                       where service = $1 and tenant_id is null and cluster is null and retired_at is null
                         and name <> all ($2)";
        sqlx::query(retire).bind(service).bind(names).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    pub(super) async fn ensure_row(
        &self,
        service: &str,
        schedule: &Schedule,
        rule: &Rule,
    ) -> Result<(), ScheduleError> {
        let mut transaction = database::begin(&self.pool).await?;
        self.make(&mut transaction, service, schedule, rule).await?;
        Ok(transaction.commit().await?)
    }

    pub(super) async fn remove_row(&self, service: &str, name: &str) -> Result<(), ScheduleError> {
        let retire = "update schedules set retired_at = now(), updated_at = now()
                       where service = $1 and name = $2 and retired_at is null";
        sqlx::query(retire).bind(service).bind(name).execute(&self.pool).await?;
        Ok(())
    }

    /// Writes what is not so already.
    async fn make(
        &self,
        transaction: &mut PgTransaction<'_>,
        service: &str,
        schedule: &Schedule,
        rule: &Rule,
    ) -> Result<(), ScheduleError> {
        let now = sqlx::query_scalar("select coalesce($1, now())").bind(self.clock.given());
        let now: OffsetDateTime = now.fetch_one(&mut **transaction).await?;
        let existing = existing(transaction, &schedule.name).await?;
        match first_moment(existing.as_ref(), service, schedule, rule, now)? {
            Some(next) => write(transaction, service, schedule, next).await,
            None => Ok(()),
        }
    }
}

async fn existing(transaction: &mut PgTransaction<'_>, name: &str) -> Result<Option<Row>, ScheduleError> {
    let existing = sqlx::query_as(
        "select name, service, job, tenant_id, cluster, cron, zone, misses, jitter_seconds, payload,
                retired_at is not null as retired, next_due
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
    let (tenant, cluster) = schedule.subject.columns();
    sqlx::query(
        "insert into schedules (name, service, job, cron, zone, misses, jitter_seconds, next_due, fires_at,
                                tenant_id, cluster, payload)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (name) do update
            set service = $2, job = $3, cron = $4, zone = $5, misses = $6, jitter_seconds = $7, next_due = $8,
                fires_at = $9, tenant_id = $10, cluster = $11, payload = $12, retired_at = null, updated_at = now()",
    )
    .bind(&schedule.name)
    .bind(service)
    .bind(&schedule.job)
    .bind(&schedule.cron)
    .bind(&schedule.zone)
    .bind(schedule.misses.as_str())
    .bind(i32::from(schedule.jitter_seconds))
    .bind(next.due_at)
    .bind(next.fires_at)
    .bind(tenant)
    .bind(cluster)
    .bind(&schedule.payload)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
