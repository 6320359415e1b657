//! Calling an operation off.

use common::operations::OperationKind;
use serde_json::{Value, json};
use wire::kinds;

use super::{Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, operations::Operation},
    tenants::words::Reason,
};

/// An operation to be cancelled.
#[derive(Debug)]
pub struct CancelOperation {
    error: Value,
    reason: Option<Reason>,
}

impl CancelOperation {
    /// Cancelled by this subject.
    pub fn new(by: &str, reason: Option<Reason>) -> Self {
        Self { error: json!({ "kind": "cancelled", "detail": format!("Cancelled by {by}.") }), reason }
    }
}

impl Steering for CancelOperation {
    type Target = Operation;
    // A queued operation has done nothing but what its acceptance wrote, so its tenant is as before and it is over. A running one
    // is only marked: the worker's next write turns it back. One that was cancelled before stays as it is.
    const STATEMENT: &'static str = steering!(
        possible: "select o.status from (select lock_tenant_of($8)) turn, operations o
                    where o.id = $8
                      and (o.status = 'queued'
                           or o.status = 'running' and o.kind = any ($15::text[])
                           or o.status in ('running', 'undoing', 'rolled_back') and o.cancellation is not null)
                      for update of o",
        effect: "operation as (
                 update operations o
                    set status = case o.status when 'queued' then 'rolled_back' else o.status end,
                        finished_at = case o.status when 'queued' then now() else o.finished_at end,
                        error = case o.status when 'queued' then $14 else o.error end,
                        not_before = least(o.not_before, now()),
                        cancellation = coalesce(o.cancellation, $14)
                   from accepted
                  where o.id = $8
                 returning o.id, o.tenant_id, o.former_status
             ), settled as (
                 select settle_tenant(o.id, o.former_status, case o.former_status when 'failed' then $14 ->> 'detail' end)
                   from operation o, possible
                  where possible.status = 'queued' and o.former_status is not null
             )",
        changed: "select o.tenant_id, o.id as operation_id from operation o left join settled on true",
    );
    const ACTION: &'static str = "operation.cancel";
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];

    fn reason(&self) -> Option<&str> {
        self.reason.as_ref().map(Reason::as_str)
    }

    fn refusal(operation: &Operation) -> Problem {
        let status = operation.status.as_str();
        match status {
            "undoing" => Problem::new(Code::OperationUndoing)
                .detail("The operation is being undone already: wait for its end."),
            "stuck" => Problem::new(Code::OperationStuck),
            "running" => Problem::new(Code::OperationIrrevocable)
                .detail(format!("{} has started, and has no way back: wait for its end.", operation.kind)),
            _ => Problem::new(Code::OperationOver).detail(format!(
                "The operation has ended already: {status}. There is nothing left to cancel."
            )),
        }
    }

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        let unwinding = kinds::ALL.into_iter().filter(|kind| kind.unwinds);
        statement.bind(&self.error).bind(unwinding.map(OperationKind::as_str).collect::<Vec<_>>())
    }
}
