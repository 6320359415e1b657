//! Every night, week and month, on the clocks of each tenant.

use async_trait::async_trait;
use common::{
    cluster::ClusterId,
    error::Kind,
    id::{BackupId, OperationId},
    operations::{self, Asked, NewOperation},
    role::Role,
    schedules::{
        Firing, Job, JobError, Misses, Schedule, ScheduleError, ScheduleStore, Subject, zone_or_utc,
    },
    service::Round,
};
use sqlx::PgPool;
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
                let zone = zone_or_utc(lacking.zone.as_deref());
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
        let tenant = firing.tenant()?;
        let backup_type = serde_json::from_value(firing.payload["type"].clone());
        let backup_type = backup_type.map_err(|error| {
            JobError::found(Kind::Internal, format!("The schedule names no type: {error}"))
        })?;
        let drawn = firing.id();
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
