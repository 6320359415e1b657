//! Giving a stuck operation up.

use super::{Steering, resume::not_stuck, steering};
use crate::{problem::Problem, store::operations::Operation};

/// An operation to be abandoned.
#[derive(Debug)]
pub struct AbandonOperation {
    pub reason: String,
}

impl Steering for AbandonOperation {
    type Target = Operation;
    // What it did stays, and so does its error. A tenant that nobody brings up or takes down any more has failed: it is not
    // routed, and it can be removed (again). If a removal waits behind an abandoned creation, the tenant stays `deleting`.
    const STATEMENT: &'static str = steering!(
        possible: "select from operations o where o.id = $8 and o.status = 'stuck' for update of o",
        effect: "operation as (
                 update operations o
                    set status = 'abandoned', finished_at = now(), lease_owner = null, lease_until = null
                   from accepted
                  where o.id = $8
                 returning o.id, o.tenant_id, o.kind
             ), tenant as (
                 update tenants t
                    set status = case when t.status = 'deleting' and o.kind = 'tenant.create' then t.status else 'failed' end,
                        status_before_deleting =
                            case when t.status = 'deleting' and o.kind = 'tenant.create' then 'failed' end,
                        failure = 'Its ' || o.kind || ' was abandoned.', updated_at = now()
                   from operation o
                  where t.id = o.tenant_id and o.kind in ('tenant.create', 'tenant.delete')
                    and t.status in ('provisioning', 'deleting')
                 returning t.id
             ), unrouted as (
                 delete from routes using tenant where routes.tenant_id = tenant.id
             )",
    );
    const ACTION: &'static str = "operation.abandon";

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }

    fn refusal(operation: &Operation) -> Problem {
        not_stuck(operation)
    }
}
