//! What the gateway does on a schedule: once for all replicas.

mod audit_verify;
pub mod drills;
pub mod retention;

use std::num::NonZeroU16;

use common::schedules::{DeclareError, Misses, Runner, Schedule, ScheduleStore};
use sqlx::PgPool;

use audit_verify::AuditVerify;
use drills::HoldDrill;
use retention::Retention;

/// What is to be done when.
pub fn schedules() -> Vec<Schedule> {
    let verify = Schedule::new(AuditVerify::NAME, AuditVerify::NAME, "30 3 * * *", Misses::CatchUp);
    // Whatever one misses the next one does.
    let retention = Schedule::new(Retention::NAME, Retention::NAME, "*/5 * * * *", Misses::Skip);
    vec![verify.with_jitter(300), retention.with_jitter(30)]
}

/// Runs the gateway's schedules on this record, and forgets operations that ended so many days ago.
pub fn runner(database: &PgPool, operations_kept_days: NonZeroU16) -> Result<Runner, DeclareError> {
    let store = ScheduleStore::new(database.clone());
    let jobs: Vec<Box<dyn common::schedules::Job>> = vec![
        Box::new(AuditVerify::new(database.clone())),
        Box::new(HoldDrill::new(database.clone())),
        Box::new(Retention::new(database.clone(), operations_kept_days)),
    ];
    Runner::new(store, "gateway", &schedules(), jobs)
}
