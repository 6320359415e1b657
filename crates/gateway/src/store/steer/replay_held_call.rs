//! Delivering held calls again that came to nothing: one of them, or all of a tenant's, as far as there is room for them among what is held.

use common::id::TenantId;
use holder::bounds::Limits;
use uuid::Uuid;

use super::{Steerable, Steering, noted, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, held::HeldCall, tenants::Tenant},
    tenants::words::Reason,
};

/// A call to be delivered again.
#[derive(Debug)]
pub struct ReplayHeldCall {
    call: (TenantId, Uuid),
    noted: String,
}

/// All of a tenant's that came to nothing.
#[derive(Debug)]
pub struct ReplayHeldCalls {
    pub tenant: TenantId,
    pub reason: Option<Reason>,
}

impl ReplayHeldCall {
    /// This one, for this reason.
    pub fn new(call: &HeldCall, reason: Option<&Reason>) -> Self {
        Self { call: (call.tenant, call.receipt), noted: noted(call.receipt, reason) }
    }
}

impl Steerable for HeldCall {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.receipt)
    }
}

/// Of the tenant `$17` all, or the one with the receipt `$18`. `$14` calls and `$15` bytes may be held of one tenant, `$16` bytes of all: the earliest come
/// first. Each keeps its number, so it goes before what came later on its path, and the count of its deliveries, which its workflow is told.
const STATEMENT: &str = steering!(
    possible: "select array_agg(dead.receipt) as receipts
                 from (select h.receipt, count(*) over earlier as calls, sum(h.bytes) over earlier as bytes from held_calls h
                        where h.tenant_id = $17 and h.state = 'dead' and ($18::uuid is null or h.receipt = $18)
                       window earlier as (order by h.number)) dead,
                      (select count(*) as calls, coalesce(sum(bytes), 0) as bytes from held_calls
                        where tenant_id = $17 and state in ('held', 'delivering')) held,
                      (select coalesce(sum(bytes), 0) as bytes from held_calls where state in ('held', 'delivering')) everybody
                where dead.calls <= $14 - held.calls and dead.bytes <= least($15 - held.bytes, $16 - everybody.bytes)
                  and $8::uuid is not null
                  and exists (select from tenants t where t.id = $17 and t.status not in ('deleting', 'deleted'))
               having count(*) > 0",
    effect: "replayed as (
                 update held_calls h
                    set state = 'held', ended_at = null, failure = null, due_at = clock_timestamp(), replayed_at = clock_timestamp(),
                        given_up_after = h.deliveries
                   from accepted, possible where h.receipt = any (possible.receipts) and h.state = 'dead'
                 returning h.tenant_id
             )",
    changed: "select tenant_id, null::uuid as operation_id from replayed limit 1",
);

fn bind(statement: Accepting<'_>, tenant: TenantId, receipt: Option<Uuid>) -> Accepting<'_> {
    let Limits { calls_of_tenant, bytes_of_tenant, bytes } = Limits::default();
    let bounds =
        [calls_of_tenant, bytes_of_tenant, bytes].map(|bound| i64::try_from(bound).unwrap_or(i64::MAX));
    bounds.into_iter().fold(statement, |statement, bound| statement.bind(bound)).bind(tenant).bind(receipt)
}

/// The same of one and of all.
fn refused() -> Problem {
    let detail = "There is no such call that is `dead`, or no room for it among what is held of the tenant's calls, or the tenant is being removed. \
                  `GET /tenants/{id}/held` tells how they are.";
    Problem::new(Code::Conflict).detail(detail)
}

impl Steering for ReplayHeldCall {
    type Target = HeldCall;
    const STATEMENT: &'static str = STATEMENT;
    const ACTION: &'static str = "held_call.replay";
    const ROLES: &'static [Role] = Role::ALL;

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    fn refusal(_: &HeldCall) -> Problem {
        refused()
    }

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        bind(statement, self.call.0, Some(self.call.1))
    }
}

impl Steering for ReplayHeldCalls {
    type Target = Tenant;
    const STATEMENT: &'static str = STATEMENT;
    const ACTION: &'static str = "held_calls.replay";
    const ROLES: &'static [Role] = Role::ALL;

    fn reason(&self) -> Option<&str> {
        self.reason.as_ref().map(Reason::as_str)
    }

    fn refusal(_: &Tenant) -> Problem {
        refused()
    }

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        bind(statement, self.tenant, None)
    }
}
