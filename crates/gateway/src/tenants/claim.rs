//! A claim to a domain, as its owner is told of it.

use common::{public_address::PublicAddress, tenant::CHALLENGE};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    store::tenants::{Claim, Tenant},
    vocabulary,
};

/// A domain of a tenant's own: a claim, which is served once it is proven.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomDomainClaim)]
pub struct ClaimView {
    #[schema(example = "flows.acme.example")]
    domain: String,
    /// `pending`: not proven yet, and not served. `proven`: served. `lapsed`: it was proven, and is not served any more.
    #[schema(value_type = vocabulary::ClaimState)]
    state: String,
    /// What proves it, and keeps it proven.
    proof: DnsRecord,
    /// What leads callers here. An address of the same place does it as well, where a domain cannot be an alias.
    pointer: DnsRecord,
    #[serde(with = "rfc3339")]
    claimed_at: OffsetDateTime,
    /// When it was last proven after it had not been.
    #[serde(with = "rfc3339::option")]
    proven_at: Option<OffsetDateTime>,
    /// Of one that is proven and whose record is not there any more: when it lapses.
    #[serde(with = "rfc3339::option")]
    served_until: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    looked_at: Option<OffsetDateTime>,
    /// What the last look found wrong.
    #[schema(example = "_rp9-challenge.flows.acme.example has no TXT record")]
    reason: Option<String>,
    /// When it is looked for next; null: when somebody asks.
    #[serde(with = "rfc3339::option")]
    next_look_at: Option<OffsetDateTime>,
}

/// A record of the domain's name servers.
#[derive(Debug, Serialize, ToSchema)]
pub struct DnsRecord {
    #[serde(rename = "type")]
    #[schema(example = "TXT")]
    kind: &'static str,
    #[schema(example = "_rp9-challenge.flows.acme.example")]
    name: String,
    #[schema(example = "0b0f3c1d2e4f5a6b7c8d9e0f1a2b3c4d")]
    value: String,
}

impl ClaimView {
    /// A tenant's claim, as long as something can come of it.
    pub fn of(claim: Claim, tenant: &Tenant, public: &PublicAddress) -> Option<Self> {
        let Claim {
            domain,
            token,
            state,
            claimed_at,
            proven_at,
            served_until,
            looked_at,
            reason,
            look_after,
        } = claim;
        tenant.status.0.is_living().then(|| Self {
            proof: DnsRecord { kind: "TXT", name: format!("{CHALLENGE}.{domain}"), value: token },
            pointer: DnsRecord { kind: "CNAME", name: domain.clone(), value: public.host(&tenant.subdomain) },
            domain,
            state,
            claimed_at,
            proven_at,
            served_until,
            looked_at,
            reason,
            next_look_at: look_after,
        })
    }
}
