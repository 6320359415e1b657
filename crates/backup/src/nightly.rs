//! Every night, week and month, on the clocks of each tenant.

use async_trait::async_trait;
use common::{
    cluster::ClusterId,
    error::Kind,
    id::{BackupId, OperationId},
    operations::{self, Asked, NewOperation},
    role::Role,
    schedules::{Firing, Job, JobError, Misses, Plan, Schedule, ScheduleError, ScheduleStore, Subject},
    service::Round,
};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;
use wire::{backups::BackupType, kinds::TenantBackup};

use crate::store::nights;

/// Who asks, as the audit log has it.
const ACTOR: &str = "service:backup";

/// Half an hour: two a second of four thousand.
const JITTER: u16 = 1_800;

/// When, of what is made by itself: the contract's times.
const TIMES: [(BackupType, &str); 3] =
    [(BackupType::Daily, "0 2 * * *"), (BackupType::Weekly, "0 3 * * 0"), (BackupType::Monthly, "0 4 1 * *")];

/// What the schedules run.
pub fn jobs(record: &PgPool) -> Vec<Box<dyn Job>> {
    vec![Box::new(Ask { record: record.clone() })]
}

/// Sees to it that every tenant has its schedules, on its own clocks.
pub struct Nightly {
    record: PgPool,
    schedules: ScheduleStore,
    cluster: ClusterId,
}

impl Nightly {
    pub fn new(record: PgPool, cluster: ClusterId) -> Self {
        Self { schedules: ScheduleStore::new(record.clone()), record, cluster }
    }
}

impl Round for Nightly {
    type Error = ScheduleError;

    async fn run(&mut self) -> Result<(), ScheduleError> {
        for lacking in nights::lacking(&self.record, self.cluster.as_str()).await? {
            for (backup_type, cron) in TIMES {
                let zone = zone(lacking.zone.as_deref());
                let schedule = Schedule::new(name(backup_type), Ask::NAME, cron, Misses::CatchUp)
                    .of(Subject::Tenant(lacking.tenant_id))
                    .on_clocks_of(zone)
                    .with_jitter(JITTER)
                    .with_payload(serde_json::json!({ "type": backup_type }));
                self.schedules.ensure("backup", &schedule).await?;
            }
        }
        Ok(())
    }
}

fn name(backup_type: BackupType) -> String {
    format!("backup.{backup_type}")
}

/// The tenant's, if it is one that is known here.
fn zone(asked: Option<&str>) -> &str {
    asked.filter(|zone| Plan::parse("@daily", zone).is_ok()).unwrap_or("UTC")
}

/// Asks for one.
struct Ask {
    record: PgPool,
}

impl Ask {
    const NAME: &'static str = "backup";
}

#[async_trait]
impl Job for Ask {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, firing: &Firing) -> Result<(), JobError> {
        let Subject::Tenant(tenant) = firing.subject else {
            return Err(JobError::found(Kind::Internal, "The schedule is of no tenant."));
        };
        let backup_type = serde_json::from_value(firing.payload["type"].clone());
        let backup_type = backup_type.map_err(|error| {
            JobError::found(Kind::Internal, format!("The schedule names no type: {error}"))
        })?;
        let drawn = drawn(firing);
        let request = TenantBackup::of(BackupId::from_uuid(drawn), backup_type);
        let correlation_id = OperationId::from_uuid(drawn).to_string();
        let asked = Asked {
            actor: ACTOR,
            role: Role::Service,
            correlation_id: &correlation_id,
            traceparent: None,
            reason: Some("It is time."),
        };
        let new = NewOperation::of(OperationId::from_uuid(drawn), &tenant, &request, asked);
        // What was accepted before, under the same id, is not accepted again; and of a tenant that is neither active nor suspended nothing is
        // copied.
        operations::accept(&self.record, &new, None).await?;
        Ok(())
    }
}

/// The same each time that a firing is run, and no other's; with the moment that it was due at.
fn drawn(firing: &Firing) -> Uuid {
    let sum = Sha256::digest(format!("{}/{}", firing.schedule, firing.due_at.unix_timestamp()));
    let mut random = [0; 10];
    random.copy_from_slice(sum.get(..10).unwrap_or(&[0; 10]));
    let millis = firing.due_at.unix_timestamp().unsigned_abs() * 1000;
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use common::{clock, id::TenantId};

    use super::*;

    #[test]
    fn a_firing_has_one_backup_however_often_it_is_run() {
        let tenant = TenantId::generate();
        let firing = |name: &str| Firing {
            schedule: format!("{name}.{tenant}"),
            due_at: clock::now().replace_nanosecond(0).unwrap(),
            subject: Subject::Tenant(tenant),
            payload: serde_json::json!({}),
            attempt: 1,
        };
        let daily = firing("backup.daily");
        assert_eq!(drawn(&daily), drawn(&Firing { attempt: 2, ..daily.clone() }));
        assert_ne!(drawn(&daily), drawn(&firing("backup.weekly")));
        let later = Firing { due_at: daily.due_at + time::Duration::days(1), ..daily.clone() };
        assert!(drawn(&daily) < drawn(&later));
    }

    #[test]
    fn a_zone_that_nobody_knows_is_utc() {
        assert_eq!(zone(Some("America/New_York")), "America/New_York");
        for asked in [None, Some("Mars/Olympus"), Some("")] {
            assert_eq!(zone(asked), "UTC");
        }
    }
}
