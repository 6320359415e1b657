//! What the gateway does on a schedule: once for all replicas.

mod asked;
mod audit_verify;
pub mod drills;
mod promotions;
pub mod retention;
pub mod settings;

use common::schedules::{DeclareError, Misses, Runner, Schedule, ScheduleStore};
use sqlx::PgPool;

use audit_verify::AuditVerify;
use drills::HoldDrill;
use promotions::ScanPromotions;
use retention::Retention;
use settings::Settings;

/// What is to be done when.
pub fn schedules() -> Vec<Schedule> {
    let verify = Schedule::new(AuditVerify::NAME, AuditVerify::NAME, "30 3 * * *", Misses::CatchUp);
    // Whatever one misses the next one does.
    let retention = Schedule::new(Retention::NAME, Retention::NAME, "*/5 * * * *", Misses::Skip);
    let scan = Schedule::new(ScanPromotions::NAME, ScanPromotions::NAME, "0 */4 * * *", Misses::Skip);
    vec![verify.with_jitter(300), retention.with_jitter(30), scan.with_jitter(300)]
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
