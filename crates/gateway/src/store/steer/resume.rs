//! Letting a stuck operation go on.

use wire::kinds;

use super::{Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, operations::Operation},
    tenants::words::Reason,
};

/// An operation to be resumed.
#[derive(Debug)]
pub struct ResumeOperation {
    pub reason: Reason,
}

impl Steering for ResumeOperation {
    type Target = Operation;
    // It goes on in the direction it had: back, if any undo was begun. The journal's entry makes its attempts count anew, and it has as
    // long again as its kind has: a person took the time that it had, and being late would turn it back at once.
    const STATEMENT: &'static str = steering!(
        possible: "select from operations o where o.id = $8 and o.status = 'stuck' for update of o",
        effect: "operation as (
                 update operations o
                    set status = case when back.undone then 'undoing' else 'running' end,
                        error = case when back.undone then o.error end,
                        not_before = now(), lease_owner = null, lease_until = null,
                        deadline = greatest(o.deadline, now() + coalesce(
                            (select make_interval(secs => kind.seconds)
                               from unnest($14::text[], $15::float8[]) kind (name, seconds) where kind.name = o.kind),
                            o.deadline - o.created_at))
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

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        let names: Vec<_> = kinds::ALL.iter().map(|kind| kind.name).collect();
        let seconds: Vec<_> = kinds::ALL.iter().map(|kind| kind.deadline.as_secs_f64()).collect();
        statement.bind(names).bind(seconds)
    }
}

/// What is said when a person wants to decide about an operation that does not wait for one.
pub fn not_stuck(operation: &Operation) -> Problem {
    let next = match operation.status.as_str() {
        "queued" | "running" | "undoing" => "It goes on by itself.",
        _ => "It is over.",
    };
    let detail = format!("The operation is not stuck but {}. {next}", operation.status);
    Problem::new(Code::OperationNotStuck).detail(detail)
}
