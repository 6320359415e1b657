//! Giving a stuck operation up.

use super::{Steering, resume::not_stuck, steering};
use crate::{auth::Role, problem::Problem, store::operations::Operation, tenants::words::Reason};

/// An operation to be abandoned.
#[derive(Debug)]
pub struct AbandonOperation {
    pub reason: Reason,
}

impl Steering for AbandonOperation {
    type Target = Operation;
    // What it did stays, and so does its error. A tenant whose status it had changed has failed, since nobody brings it up or takes it
    // down any more: it is not routed, and it can be removed (again). If a removal waits behind it, the tenant stays `deleting`.
    const STATEMENT: &'static str = steering!(
        possible: "select from operations o where o.id = $8 and o.status = 'stuck' for update of o",
        effect: "operation as (
                 update operations o
                    set status = 'abandoned', finished_at = now(), lease_owner = null, lease_until = null
                   from accepted
                  where o.id = $8
                 returning o.id, o.tenant_id, o.kind, o.former_status
             ), settled as (
                 select settle_tenant(o.id, 'failed', 'Its ' || o.kind || ' was abandoned.')
                   from operation o where o.former_status is not null
             ), unrouted as (
                 delete from routes using operation o where routes.tenant_id = o.tenant_id and o.former_status is not null
             )",
        changed: "select o.tenant_id, o.id as operation_id from operation o left join settled on true",
    );
    const ACTION: &'static str = "operation.abandon";
    const ROLES: &'static [Role] = &[Role::Admin];

    fn reason(&self) -> Option<&str> {
        Some(self.reason.as_str())
    }

    fn refusal(operation: &Operation) -> Problem {
        not_stuck(operation)
    }
}
