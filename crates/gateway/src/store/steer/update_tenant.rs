//! Changing what is known of a tenant.

use time::OffsetDateTime;

use super::{Steering, steering};
use crate::{
    auth::Role,
    problem::{Code, Problem},
    store::{
        accept::Accepting,
        tenants::{Claim, Tenant},
    },
};

/// A tenant as it is to be, made of how it was when it was last changed: if it was changed since, nothing is written.
#[derive(Debug)]
pub struct UpdateTenant {
    /// With the moment of this change.
    pub tenant: Tenant,
    /// When it was last changed.
    pub seen: OffsetDateTime,
    /// What it claims from now on, if that is something else: perhaps nothing.
    pub claim: Option<Option<Claim>>,
    /// Which fields are not what they were.
    noted: String,
}

impl UpdateTenant {
    /// The change from what was last seen to this.
    pub fn new(
        tenant: Tenant,
        seen: OffsetDateTime,
        claim: Option<Option<Claim>>,
        changed: &[&'static str],
    ) -> Self {
        let noted = format!("changed: {}", changed.join(", "));
        Self { tenant, seen, claim, noted }
    }

    /// Whether a tenant like this can be changed at all, as the statement has it.
    pub fn is_possible(tenant: &Tenant) -> bool {
        !tenant.the_platforms_own && tenant.status.0.is_living()
    }
}

impl Steering for UpdateTenant {
    type Target = Tenant;
    const STATEMENT: &'static str = steering!(
        possible: "select t.custom_domain as served from tenants t
                    where t.id = $8 and t.updated_at = $14 and t.purpose = 'customer'
                      and t.status in ('provisioning', 'active', 'suspended', 'migrating')
                      for update of t",
        effect: "tenant as (
                 update tenants t
                    set name = $16, email = $17, region = $18, compliance = $19, metadata = $20, updated_at = $15,
                        custom_domain = case when not $21 then t.custom_domain end
                   from accepted
                  where t.id = $8
                 returning t.id
             ), unrouted as (
                 delete from routes r using accepted, possible
                  where $21 and r.tenant_id = $8 and r.host = possible.served
             ), claimed as (
                 insert into custom_domains as d (tenant_id, domain, token, claimed_at, look_after)
                 select tenant.id, $22, $23, $15, $15 from tenant where $21 and $22::text is not null
                 on conflict (tenant_id) do update
                    set domain = excluded.domain, token = excluded.token, state = 'pending', claimed_at = excluded.claimed_at,
                        proven_at = null, served_until = null, looks = 0, reason = null, look_after = excluded.look_after
             ), given_up as (
                 update custom_domains d set state = 'removed', served_until = null, look_after = null
                   from tenant
                  where d.tenant_id = tenant.id and $21 and $22::text is null
             )",
        changed: "select id as tenant_id, null::uuid as operation_id from tenant",
    );
    const ACTION: &'static str = "tenant.update";
    /// What decides where it may live is not for owners: the route looks at that.
    const ROLES: &'static [Role] = Role::ALL;

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        let Tenant { name, email, region, compliance, metadata, updated_at, .. } = &self.tenant;
        let statement = statement.bind(self.seen).bind(updated_at).bind(name).bind(email);
        let claim = self.claim.as_ref().and_then(Option::as_ref);
        let statement = statement.bind(region).bind(compliance).bind(metadata).bind(self.claim.is_some());
        statement.bind(claim.map(|claim| &claim.domain)).bind(claim.map(|claim| &claim.token))
    }

    fn refusal(tenant: &Tenant) -> Problem {
        let conflict = Problem::new(Code::Conflict);
        if tenant.the_platforms_own {
            return conflict.detail("An n8n that tenants share stays as it was made.");
        }
        if Self::is_possible(tenant) {
            return conflict.detail("Others are changing the tenant. Try again.");
        }
        conflict.detail(format!("The tenant is {}: nothing of it is changed any more.", tenant.status.0))
    }
}
