//! Calling a rollout off. Whoever begins a wave locks the same row.

use super::{Steerable, Steering, noted, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, rollouts::Rollout},
    tenants::words::Reason,
};

/// A rollout to be called off.
#[derive(Debug)]
pub struct CancelRollout {
    noted: String,
}

impl CancelRollout {
    /// This one, for this reason.
    pub fn new(rollout: &Rollout, reason: Option<&Reason>) -> Self {
        Self { noted: noted(rollout.id, reason) }
    }
}

impl Steerable for Rollout {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }
}

impl Steering for CancelRollout {
    type Target = Rollout;
    const STATEMENT: &'static str = steering!(
        possible: "select from rollouts r where r.id = $8 and r.status in ('running', 'cancelled') for update of r",
        effect: "rollout as (
                 update rollouts r set status = 'cancelled', ended_at = coalesce(r.ended_at, clock_timestamp())
                   from accepted where r.id = $8 returning r.id
             )",
        changed: "select null::uuid as tenant_id, null::uuid as operation_id from rollout",
    );
    const ACTION: &'static str = "rollout.cancel";
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    fn refusal(rollout: &Rollout) -> Problem {
        let detail = format!("The rollout is over: `GET /upgrades/{}` tells how it ended.", rollout.id);
        Problem::new(Code::Conflict).detail(detail)
    }
}
