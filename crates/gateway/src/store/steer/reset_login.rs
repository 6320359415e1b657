//! Noting that an owner is given a new password, before it is made. Of two resets the one is later that is noted later.

use common::id::ResetId;

use super::{Steerable, Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{accept::Accepting, tenants::Tenant},
    tenants::{next_step, nobody_signs_in, words::Reason},
};

/// A tenant whose owner is locked out.
#[derive(Debug)]
pub struct ResetLogin {
    pub id: ResetId,
    pub reason: Option<Reason>,
}

impl Steerable for Tenant {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }
}

impl Steering for ResetLogin {
    type Target = Tenant;
    const STATEMENT: &'static str = steering!(
        possible: "select from tenants t where t.id = $8 and t.status in ('active', 'suspended')
                     and t.purpose = 'customer' and not coalesce(external_refuses(t.shared_instance), false)",
        effect: "tenant as (update tenants t set accepted_reset_id = $14 from accepted where t.id = $8 returning t.id)",
        changed: "select id as tenant_id, null::uuid as operation_id from tenant",
    );
    const ACTION: &'static str = "tenant.reset_login";
    const ROLES: &'static [Role] = Role::ALL;

    fn reason(&self) -> Option<&str> {
        self.reason.as_ref().map(Reason::as_str)
    }

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }

    fn refusal(tenant: &Tenant) -> Problem {
        if tenant.the_platforms_own {
            return nobody_signs_in();
        }
        let status = tenant.status.0;
        let (is, next) = (status.as_str(), next_step(status));
        Problem::new(Code::Conflict).detail(format!("The tenant is {is}: there is nobody to sign in. {next}"))
    }
}
