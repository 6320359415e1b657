//! Letting a schedule go on.

use super::{Steering, noted, steering};
use crate::{
    auth::{Role, absent_schedule},
    problem::Problem,
    store::schedules::Schedule,
    tenants::words::Reason,
};

/// A schedule to be resumed.
#[derive(Debug)]
pub struct ResumeSchedule {
    noted: String,
}

impl ResumeSchedule {
    /// Resumed, perhaps for a reason.
    pub fn new(schedule: &Schedule, reason: Option<&Reason>) -> Self {
        Self { noted: noted(&schedule.name, reason) }
    }
}

impl Steering for ResumeSchedule {
    type Target = Schedule;
    // `next_due` stays: whoever looks next finds what was missed meanwhile, and treats it as declared.
    const STATEMENT: &'static str = steering!(
        possible: "select from schedules s where s.name = $8 and s.retired_at is null for update of s",
        effect: "schedule as (
                 update schedules s
                    set paused_at = null, paused_by = null, paused_reason = null,
                        updated_at = case when s.paused_at is null then s.updated_at else now() end
                   from accepted
                  where s.name = $8
                 returning s.tenant_id
             )",
        changed: "select tenant_id, null::uuid as operation_id from schedule",
    );
    const ACTION: &'static str = "schedule.resume";
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    /// Only one that is gone by now cannot be resumed.
    fn refusal(_: &Schedule) -> Problem {
        absent_schedule()
    }
}
