//! Giving a stuck operation up.

use common::operations::OperationKind;
use serde_json::json;
use wire::kinds;

use super::{Steering, resume::not_stuck, steering};
use crate::{
    auth::Role,
    problem::Problem,
    store::{accept::Accepting, operations::Operation},
    tenants::words::Reason,
};

/// An operation to be abandoned.
#[derive(Debug)]
pub struct AbandonOperation {
    pub reason: Reason,
}

impl Steering for AbandonOperation {
    type Target = Operation;
    // What it did stays, and so does its error. A tenant whose status it had changed has failed, since nobody brings it up or takes it
    // down any more: it is not routed, and it can be removed (again). If a removal waits behind it, the tenant stays `deleting`. Nobody
    // waits for its parts any more: they are called off.
    const STATEMENT: &'static str = steering!(
        possible: "select from operations o where o.id = $8 and o.status = 'stuck' for update of o",
        effect: "operation as (
                 update operations o
                    set status = 'abandoned', finished_at = now(), lease_owner = null, lease_until = null
                   from accepted
                  where o.id = $8
                 returning o.id, o.tenant_id, o.kind, o.former_status
             ), parts as (
                 update operations o
                    set status = case o.status when 'queued' then 'rolled_back' else o.status end,
                        finished_at = case o.status when 'queued' then now() else o.finished_at end,
                        error = case o.status when 'queued' then $14 else o.error end,
                        not_before = least(o.not_before, now()),
                        cancellation = $14
                   from operation
                  where o.parent_id = operation.id and o.cancellation is null
                    and (o.status = 'queued' or o.status in ('running', 'stuck') and o.kind = any ($15::text[]))
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

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        let why = json!({ "kind": "cancelled", "detail": "What it is a part of was given up." });
        let unwinding = kinds::ALL.into_iter().filter(|kind| kind.unwinds);
        statement.bind(why).bind(unwinding.map(OperationKind::as_str).collect::<Vec<_>>())
    }
}
