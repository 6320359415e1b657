//! What the gateway does on a schedule: once for all replicas.

mod audit_verify;
pub mod retention;

use common::schedules::{DeclareError, Misses, Runner, Schedule, ScheduleStore};
use sqlx::PgPool;

use audit_verify::AuditVerify;
use retention::Retention;

/// What is to be done when.
pub const SCHEDULES: &[Schedule] = &[
    Schedule {
        name: AuditVerify::NAME,
        job: AuditVerify::NAME,
        cron: "30 3 * * *",
        zone: "UTC",
        misses: Misses::CatchUp,
        jitter_seconds: 300,
    },
    // Whatever one misses the next one does.
    Schedule {
        name: Retention::NAME,
        job: Retention::NAME,
        cron: "*/5 * * * *",
        zone: "UTC",
        misses: Misses::Skip,
        jitter_seconds: 30,
    },
];

/// Runs the gateway's schedules on this record.
pub fn runner(database: &PgPool) -> Result<Runner, DeclareError> {
    let store = ScheduleStore::new(database.clone());
    let jobs: Vec<Box<dyn common::schedules::Job>> =
        vec![Box::new(AuditVerify::new(database.clone())), Box::new(Retention::new(database.clone()))];
    Runner::new(store, "gateway", SCHEDULES, jobs)
}
