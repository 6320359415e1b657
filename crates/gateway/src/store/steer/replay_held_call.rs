//! Delivering a held call again that came to nothing.

use super::{Steerable, Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, held::HeldCall},
    tenants::words::Reason,
};

/// A call to be delivered again.
#[derive(Debug)]
pub struct ReplayHeldCall {
    /// The audit log has no column for a receipt.
    noted: String,
}

impl ReplayHeldCall {
    /// This one, for this reason.
    pub fn new(call: &HeldCall, reason: Option<&Reason>) -> Self {
        let noted = match reason {
            Some(reason) => format!("{}: {}", call.receipt, reason.as_str()),
            None => call.receipt.to_string(),
        };
        Self { noted }
    }
}

impl Steerable for HeldCall {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.receipt)
    }
}

impl Steering for ReplayHeldCall {
    type Target = HeldCall;
    // It keeps its number, so it goes before what came later on its path, and the count of its deliveries, which its workflow is told.
    const STATEMENT: &'static str = steering!(
        possible: "select from held_calls h join tenants t on t.id = h.tenant_id
                    where h.receipt = $8 and h.state = 'dead' and t.status not in ('deleting', 'deleted') for update of h",
        effect: "call as (
                 update held_calls h
                    set state = 'held', ended_at = null, failure = null, due_at = clock_timestamp(), replayed_at = clock_timestamp(),
                        given_up_after = h.deliveries
                   from accepted where h.receipt = $8 returning h.tenant_id
             )",
        changed: "select tenant_id, null::uuid as operation_id from call",
    );
    const ACTION: &'static str = "held_call.replay";
    const ROLES: &'static [Role] = Role::ALL;

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    fn refusal(_: &HeldCall) -> Problem {
        Problem::new(Code::Conflict)
            .detail("Only a call that is `dead`, of a tenant that stays, is delivered again. `GET /held/{receipt}` tells how it is.")
    }
}
