//! Whether more tenants are placed in an n8n that is shared. Whoever places one locks the same row.

use super::{Steerable, Steering, steering};
use crate::{
    auth::Role,
    problem::Problem,
    shared_instances::removal_under_way,
    store::{accept::Accepting, shared_instances::SharedInstance},
    tenants::words::Reason,
};

/// One that is to take no more.
#[derive(Debug)]
pub struct DrainSharedInstance {
    pub reason: Option<Reason>,
}

/// One that is to take more again.
#[derive(Debug)]
pub struct ReopenSharedInstance {
    pub reason: Option<Reason>,
}

impl Steerable for SharedInstance {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }
}

macro_rules! turning {
    ($steering:ty, $action:literal, $draining:literal) => {
        impl Steering for $steering {
            type Target = SharedInstance;
            const STATEMENT: &'static str = steering!(
                possible: "select from tenants t
                            where t.id = $8 and t.purpose = 'shared' and t.status in ('provisioning', 'active', 'failed')
                              for update of t",
                effect: "tenant as (update tenants t set draining = $14, updated_at = now() from accepted
                                     where t.id = $8 returning t.id)",
                changed: "select id as tenant_id, null::uuid as operation_id from tenant",
            );
            const ACTION: &'static str = $action;
            const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];

            fn reason(&self) -> Option<&str> {
                self.reason.as_ref().map(Reason::as_str)
            }

            fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
                statement.bind($draining)
            }

            fn refusal(_: &SharedInstance) -> Problem {
                removal_under_way()
            }
        }
    };
}

turning!(DrainSharedInstance, "shared_instance.drain", true);
turning!(ReopenSharedInstance, "shared_instance.reopen", false);
