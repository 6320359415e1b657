//! Holding a schedule back.

use super::{Steerable, Steering, noted, steering};
use crate::{
    auth::{Role, absent_schedule},
    problem::Problem,
    store::{accept::Accepting, schedules::Schedule},
    tenants::words::Reason,
};

/// A schedule to be paused.
#[derive(Debug)]
pub struct PauseSchedule {
    reason: Reason,
    noted: String,
}

impl PauseSchedule {
    /// Paused for this reason.
    pub fn new(schedule: &Schedule, reason: Reason) -> Self {
        Self { noted: noted(&schedule.name, Some(&reason)), reason }
    }
}

impl Steerable for Schedule {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(&self.name)
    }
}

impl Steering for PauseSchedule {
    type Target = Schedule;
    // One that is paused stays as it is, with who paused it first and why.
    const STATEMENT: &'static str = steering!(
        possible: "select from schedules s where s.name = $8 and s.retired_at is null for update of s",
        effect: "schedule as (
                 update schedules s
                    set paused_at = coalesce(s.paused_at, now()),
                        paused_by = case when s.paused_at is null then $1 else s.paused_by end,
                        paused_reason = case when s.paused_at is null then $14 else s.paused_reason end,
                        updated_at = case when s.paused_at is null then now() else s.updated_at end
                   from accepted
                  where s.name = $8
                 returning s.tenant_id
             )",
        changed: "select tenant_id, null::uuid as operation_id from schedule",
    );
    const ACTION: &'static str = "schedule.pause";
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    /// Only one that is gone by now cannot be paused.
    fn refusal(_: &Schedule) -> Problem {
        absent_schedule()
    }

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.reason.as_str())
    }
}
