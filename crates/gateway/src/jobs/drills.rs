//! `restore.drill`: a backup of each tenant, drawn at random, is tried out once a quarter.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    error::Kind,
    id::{DrillId, OperationId, RestoreId, TenantId},
    schedules::{Firing, Job, JobError, Misses, Schedule, ScheduleError, ScheduleStore, Subject},
    service::{Interval, Round, Tasks},
};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

use super::asked::asked;
use crate::{
    sandboxes::name_of_drill,
    store::{accept::CreateSandbox, drills, restorable},
};

/// A tenant that is new has its schedule some minutes later.
const EVERY: Duration = Duration::from_secs(300);

/// The longest that a schedule may be late on purpose, in seconds: each drill takes a place for some minutes.
const JITTER: u16 = 3_600;

/// Once it has shown what it is for, its sandbox goes. Of one that somebody gave up it goes then.
pub const SANDBOX_TIME: Duration = Duration::from_secs(12 * 60 * 60);

/// The days of which there are as many in each month, in the three months of a quarter.
const DAYS: u32 = 28;
const MONTHS: u32 = 3;

/// Holds one.
pub struct HoldDrill {
    database: PgPool,
}

impl HoldDrill {
    /// What schedules call it.
    pub const NAME: &'static str = "restore.drill";

    pub fn new(database: PgPool) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Job for HoldDrill {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, firing: &Firing) -> Result<(), JobError> {
        let tenant = firing.tenant()?;
        let drawn = firing.id();
        let (drill, operation) = (DrillId::from_uuid(drawn), OperationId::from_uuid(drawn));
        // Whoever has nothing that could be restored is told of elsewhere, and so is a drill that was too long ago.
        let Some(backup) = restorable::any(&self.database, tenant).await? else { return Ok(()) };
        let Some(subdomain) = drills::subdomain(&self.database, tenant).await? else { return Ok(()) };
        let correlation_id = operation.to_string();
        let asked = asked(&correlation_id, "It is time.");
        let create = CreateSandbox {
            id: TenantId::from_uuid(drawn),
            restore: RestoreId::from_uuid(drawn),
            of: tenant,
            backup: backup.id,
            executions: true,
            name: &name_of_drill(drill, &subdomain),
            time: SANDBOX_TIME,
            drill: Some(drill),
        };
        let accepted =
            create.accept_as(&self.database, operation, (asked, Some("tenant.drill")), None).await?;
        if accepted || drills::is_known(&self.database, drill).await? {
            return Ok(());
        }
        Err(JobError::found(
            Kind::Conflict,
            "There is no room for it, another one is held, or the tenant cannot be restored now.",
        ))
    }
}

/// Sees to it that every tenant whose backups can be restored has its schedule.
pub struct Quarterly {
    database: PgPool,
    schedules: ScheduleStore,
}

impl Quarterly {
    pub fn new(database: PgPool) -> Self {
        Self { schedules: ScheduleStore::new(database.clone()), database }
    }

    /// Does so for as long as the service runs.
    pub fn spawn(self, tasks: &Tasks) {
        let rounds = Interval::new("schedules of drills", EVERY).spread();
        tasks.every(rounds.failing("tenants could not be given their schedules of drills"), self);
    }
}

impl Round for Quarterly {
    type Error = ScheduleError;

    async fn run(&mut self) -> Result<(), ScheduleError> {
        for tenant in drills::without_schedule(&self.database).await? {
            let schedule = Schedule::new(HoldDrill::NAME, HoldDrill::NAME, cron(tenant), Misses::CatchUp)
                .of(Subject::Tenant(tenant))
                .with_jitter(JITTER);
            self.schedules.ensure("gateway", &schedule).await?;
        }
        Ok(())
    }
}

/// A day of the quarter for each tenant, so that no day has many more than others; and after the night's backups.
fn cron(tenant: TenantId) -> String {
    let sum = Sha256::digest(tenant.uuid().as_bytes());
    let number = sum.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let (day, month) = (number % DAYS + 1, number / DAYS % MONTHS + 1);
    let months: Vec<_> = (0..4).map(|quarter| (month + quarter * MONTHS).to_string()).collect();
    format!("0 5 {day} {} *", months.join(","))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use common::schedules::Plan;

    use super::*;

    #[test]
    fn tenants_are_spread_over_the_quarter_and_each_has_one_day_in_it() {
        let mut days: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..8_400 {
            *days.entry(cron(TenantId::generate())).or_default() += 1;
        }
        assert_eq!(days.len(), 84);
        assert!(days.values().all(|tenants| (40..200).contains(tenants)), "{days:?}");
        assert!(days.keys().all(|cron| Plan::parse(cron, "UTC").is_ok()));
        let tenant = TenantId::generate();
        assert_eq!(cron(tenant), cron(tenant));
    }
}
