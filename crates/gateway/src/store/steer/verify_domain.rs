//! Having a claim to a domain looked at now.

use super::{Steerable, Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, tenants::Detailed},
};

/// A claim to be looked at.
#[derive(Debug)]
pub struct VerifyDomain;

impl Steerable for Detailed {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.tenant.id)
    }
}

impl Steering for VerifyDomain {
    type Target = Detailed;
    // Looks in vain are counted anew, so that the next ones come soon again. Ten seconds lie between two looks, whoever asks.
    const STATEMENT: &'static str = steering!(
        possible: "select from tenants t join custom_domains d on d.tenant_id = t.id
                    where t.id = $8 and d.state <> 'removed'
                      and t.status in ('provisioning', 'active', 'suspended', 'migrating')
                      for update of d",
        effect: "claim as (
                 update custom_domains d
                    set looks = 0, look_after = greatest(now(), d.looked_at + interval '10 seconds')
                   from accepted
                  where d.tenant_id = $8
                 returning d.tenant_id
             )",
        changed: "select tenant_id, null::uuid as operation_id from claim",
    );
    const ACTION: &'static str = "tenant.verify_domain";
    const ROLES: &'static [Role] = Role::ALL;

    fn reason(&self) -> Option<&str> {
        None
    }

    fn refusal(_: &Detailed) -> Problem {
        Problem::new(Code::Conflict).detail("The tenant claims no domain that could be served.")
    }
}
