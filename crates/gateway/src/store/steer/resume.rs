//! Letting a stuck operation go on.

use super::{Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::operations::Operation,
    tenants::words::Reason,
};

/// An operation to be resumed.
#[derive(Debug)]
pub struct ResumeOperation {
    pub reason: Reason,
}

impl Steering for ResumeOperation {
    type Target = Operation;
    // It goes on in the direction it had: back, if any undo was begun. The journal's entry makes its attempts count anew.
    const STATEMENT: &'static str = steering!(
        possible: "select from operations o where o.id = $8 and o.status = 'stuck' for update of o",
        effect: "operation as (
                 update operations o
                    set status = case when back.undone then 'undoing' else 'running' end,
                        error = case when back.undone then o.error end,
                        not_before = now(), lease_owner = null, lease_until = null
                   from accepted,
                        (select exists (select from operation_steps s
                                         where s.operation_id = $8 and s.event = 'undo_started') as undone) back
                  where o.id = $8
                 returning o.id, o.tenant_id, o.fence
             ), journal as (
                 insert into operation_steps (operation_id, ordinal, step, event, fence)
                 select operation.id, last.ordinal, last.step, 'resumed', operation.fence
                   from operation,
                        (select s.ordinal, s.step from operation_steps s
                          where s.operation_id = $8 order by s.seq desc limit 1) last
             )",
    );
    const ACTION: &'static str = "operation.resume";
    const ROLES: &'static [Role] = &[Role::Admin];

    fn reason(&self) -> Option<&str> {
        Some(self.reason.as_str())
    }

    fn refusal(operation: &Operation) -> Problem {
        not_stuck(operation)
    }
}

/// What is said when a person wants to decide about an operation that does not wait for one.
pub fn not_stuck(operation: &Operation) -> Problem {
    let detail = format!("The operation is not stuck but {}.", operation.status);
    Problem::new(Code::OperationNotStuck).detail(detail)
}
