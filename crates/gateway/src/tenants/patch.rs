//! A request to change what is known of a tenant.

use super::{
    CustomDomain, Email,
    compliance::Compliance,
    metadata::Metadata,
    offered::{Region, Rules},
    patched::Patched,
    words::Name,
};
use crate::{
    http::{
        fields::Fields,
        request::{Request as _, request},
    },
    offer::Offer,
    problem::{Answered, Code, Pointer, Problem},
    store::tenants::Tenant,
};

request! {
    /// What is to change of a tenant. What is absent stays as it is; `null` takes away what need not be there.
    pub struct TenantPatch: Request<Rules<'_>> {
        /// For people; 1 to 120 characters.
        #[example = "Acme Ltd"]
        name: Patched<Name>,
        /// Where its owner is written to. What they sign in with is theirs to change, in n8n.
        #[example = "ada@acme.example"]
        email: Patched<Email>,
        /// Where it should be; not for owners. The region of the cluster that it lives in, or anywhere.
        #[example = "eu-central"]
        region: Patched<Option<Region>>,
        /// A domain of its own, in addition: a claim, which is served once it is proven. Whatever it had before is not served any more.
        #[example = "flows.acme.example"]
        custom_domain: Patched<Option<CustomDomain>>,
        /// What the cluster it is on must comply with, whatever the case of the letters; not for owners.
        #[example = ["gdpr"]]
        compliance: Patched<Compliance>,
        /// Kept and given back as a whole; an object of at most 4 kB, with its numbers written out. Whole numbers up to 2^53 - 1, longer ones
        /// as texts.
        metadata: Patched<Metadata>,
    }
}

/// What decides where a tenant may live, and so is not its owner's to change.
pub const PLACING: [&str; 2] = ["region", "compliance"];

impl TenantPatch {
    /// Reads what is to change of this tenant. A field that says what is so already need not be one that could be asked for now.
    pub fn of_tenant(tenant: &Tenant, body: &[u8], rules: &Rules<'_>) -> Answered<Self> {
        let mut fields = Fields::of_body(body)?;
        fields.pass_over("region", tenant.region.as_deref());
        fields.pass_over("custom_domain", tenant.custom_domain.as_deref());
        Self::of(fields, rules)
    }

    /// Makes the tenant what it is to be. Returns the fields that differ from what it was.
    pub fn apply(&self, tenant: &mut Tenant) -> Vec<&'static str> {
        let Self { name, email, region, custom_domain, compliance, metadata } = self;
        let name = name.wanted().map(|name| name.as_str().to_owned());
        let email = email.wanted().map(|email| email.as_str().to_owned());
        let region = region.wanted().map(|region| region.as_ref().map(|region| region.as_str().to_owned()));
        let domain =
            custom_domain.wanted().map(|domain| domain.as_ref().map(|domain| domain.as_str().to_owned()));
        let changed = [
            ("name", set(&mut tenant.name, name)),
            ("email", set(&mut tenant.email, email)),
            ("region", set(&mut tenant.region, region)),
            ("custom_domain", set(&mut tenant.custom_domain, domain)),
            (
                "compliance",
                set(&mut tenant.compliance, compliance.wanted().map(|wanted| wanted.tags().to_vec())),
            ),
            ("metadata", set(&mut tenant.metadata, metadata.wanted().map(|wanted| wanted.as_json().clone()))),
        ];
        changed.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

/// Whether that makes a difference.
fn set<T: PartialEq>(present: &mut T, wanted: Option<T>) -> bool {
    wanted.is_some_and(|wanted| std::mem::replace(present, wanted) != *present)
}

/// Why a tenant cannot be so where it lives. Only what changed is asked about: what it was promised before is not taken back.
pub fn misplaced(tenant: &Tenant, changed: &[&str], offer: &Offer) -> Option<Problem> {
    if !changed.iter().any(|field| PLACING.contains(field)) {
        return None;
    }
    let home = offer.clusters.iter().find(|cluster| Some(&cluster.id) == tenant.cluster_id.as_ref());
    let Some(home) = home else {
        let detail = "The tenant has no place in a cluster yet: where it may be is changed once it has.";
        return Some(Problem::new(Code::Conflict).detail(detail));
    };
    if changed.contains(&"region") && tenant.region.as_ref().is_some_and(|region| *region != home.region) {
        let detail =
            format!("The tenant lives in {}, and cannot be moved to another region yet.", home.region);
        return Some(Problem::new(Code::Conflict).detail(detail).at(Pointer::to("region")));
    }
    let unmet = tenant.compliance.iter().filter(|tag| !home.compliance.contains(&tag.to_lowercase()));
    let unmet: Vec<_> = unmet.map(String::as_str).collect();
    (changed.contains(&"compliance") && !unmet.is_empty()).then(|| {
        let detail = format!("Where the tenant lives does not comply with: {}.", unmet.join(", "));
        Problem::new(Code::ComplianceUnmet).detail(detail).at(Pointer::to("compliance"))
    })
}
