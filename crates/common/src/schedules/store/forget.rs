//! What need not be remembered any longer.

use super::{ScheduleError, ScheduleStore};

/// So many rows at once: a fraction of a second.
const BATCH: i64 = 5_000;

impl ScheduleStore {
    /// Forgets firings that ended five weeks ago (longer than anything is caught up), and schedules that were retired then.
    pub async fn forget(&self) -> Result<(), ScheduleError> {
        let firings = "delete from schedule_firings where (schedule, due_at) in
             (select schedule, due_at from schedule_firings where finished_at < now() - interval '35 days'
               order by finished_at limit $1 for update skip locked)";
        loop {
            let forgotten = sqlx::query(firings).bind(BATCH).execute(&self.pool).await?;
            if forgotten.rows_affected() < BATCH.unsigned_abs() {
                break;
            }
        }
        let retired = "delete from schedules where retired_at < now() - interval '35 days'";
        sqlx::query(retired).execute(&self.pool).await?;
        Ok(())
    }
}
