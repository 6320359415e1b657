//! What the gateway does on a schedule: once for all replicas.

mod audit_verify;
pub mod drills;
mod promotions;
pub mod retention;

use std::num::NonZeroU16;

use common::{
    config::{Env, Section},
    schedules::{DeclareError, Misses, Runner, Schedule, ScheduleStore},
};
use sqlx::PgPool;

use audit_verify::AuditVerify;
use drills::HoldDrill;
use promotions::ScanPromotions;
use retention::Retention;

/// As long as most ask back. What was asked for stays in the audit log.
pub const OPERATIONS_KEPT_DAYS: NonZeroU16 = NonZeroU16::new(90).unwrap();

/// What is to be done when.
pub fn schedules() -> Vec<Schedule> {
    let verify = Schedule::new(AuditVerify::NAME, AuditVerify::NAME, "30 3 * * *", Misses::CatchUp);
    // Whatever one misses the next one does.
    let retention = Schedule::new(Retention::NAME, Retention::NAME, "*/5 * * * *", Misses::Skip);
    let scan = Schedule::new(ScanPromotions::NAME, ScanPromotions::NAME, "0 */4 * * *", Misses::Skip);
    vec![verify.with_jitter(300), retention.with_jitter(30), scan.with_jitter(300)]
}

/// What jobs are told.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// So many days after their end operations are forgotten.
    pub operations_kept_days: NonZeroU16,
    /// Whether whoever has outgrown the n8n that they share most urgently is moved without being asked for.
    pub promote_high: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { operations_kept_days: OPERATIONS_KEPT_DAYS, promote_high: false }
    }
}

impl Section for Settings {
    fn read(env: &mut Env) -> Option<Self> {
        let operations_kept_days = env.or("OPERATIONS_KEPT_DAYS", OPERATIONS_KEPT_DAYS);
        let promote_high = env.switch("PROMOTE_HIGH", false);
        let backups: Option<Option<String>> = env.optional("S3_BUCKET");
        if promote_high == Some(true) && backups == Some(None) {
            let why = "PROMOTE_HIGH needs S3_BUCKET: a tenant is backed up before it is moved";
            return env.problem(why.to_owned());
        }
        Some(Self { operations_kept_days: operations_kept_days?, promote_high: promote_high? })
    }
}

/// Runs the gateway's schedules on this record.
pub fn runner(database: &PgPool, settings: Settings) -> Result<Runner, DeclareError> {
    let Settings { operations_kept_days, promote_high } = settings;
    let store = ScheduleStore::new(database.clone());
    let jobs: Vec<Box<dyn common::schedules::Job>> = vec![
        Box::new(AuditVerify::new(database.clone())),
        Box::new(HoldDrill::new(database.clone())),
        Box::new(Retention::new(database.clone(), operations_kept_days)),
        Box::new(ScanPromotions::new(database.clone(), promote_high)),
    ];
    Runner::new(store, "gateway", &schedules(), jobs)
}
