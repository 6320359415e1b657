//! Routes as Traefik's dynamic configuration.
//!
//! Everything that comes from data is a [`Host`](crate::Host), an address, an id or a number, so nothing can leave the
//! rule it stands in. Names are hosts, or have an underscore, which no host holds: unique, and the same each time.

mod hosts;
mod inner;
mod sections;
mod tenancy;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use common::id::TenantId;
use common::tenant::{Color, Purpose};
use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::{Certificate, Route, StandIn, TargetUrl, Tls};
use sections::Sections;

/// The middleware that refuses.
const REFUSE: &str = "refuse";

/// The middleware that sends whoever speaks plainly to `websecure`.
const TO_TLS: &str = "to_tls";

/// The middleware that bounds how many requests of one host are under way.
const IN_FLIGHT: &str = "in_flight";

/// The service that answers while nothing of a tenant's is ready, and in its place.
pub(crate) const WAITING: &str = "waiting_page";

/// What the router and the service are called after their host that are for calls to its webhooks and forms, where two sides share these out
/// otherwise than the rest.
pub(crate) const OWN_WEBHOOKS: &str = "_own_webhooks";

/// What the service of a side is called after its color that is for the same calls, so that they are counted by themselves.
pub(crate) const OF_WEBHOOKS: &str = "_webhooks";

/// How the instances are spoken to.
const TRANSPORT: &str = "instance";

/// n8n answers these to anybody, in any case and with or without more path. They are for the platform alone. What n8n would not
/// take for one of them is refused too: another version may.
const PRIVATE_PATHS: &str = "PathRegexp(`(?i)^(/|%2f)+(metrics|healthz)([^a-z0-9_-]|$)`)";

/// The one path that is answered on the entrypoint `probe`: n8n answers it cheaply and without side effects, in every state.
pub(crate) const PROBE_PATH: &str = "/healthz/readiness";

/// The header that asks one side of a tenant, whatever the edge does with the others.
pub(crate) const SIDE_HEADER: &str = "x-rp9-side";

/// The header in every answer of whoever answers while nothing of a tenant's is ready.
pub const WAITING_HEADER: &str = "x-rp9-waiting";

/// In a request to the same: in whose place it answers. In its answer: as whom it did. What callers write there reaches it only when they
/// would get the waiting page.
pub const STAND_IN_HEADER: &str = "x-rp9-stand-in";

/// Explicit, because Traefik otherwise ranks rules by their length. What answers before there is any document (`conf/traefik/before.yml`)
/// has 1.
const UNKNOWN_PRIORITY: u32 = 2;
const ROUTE_PRIORITY: u32 = 10;
const WEBHOOKS_PRIORITY: u32 = 16;
/// Refuses on any host, so that one is enough for all who share an n8n.
const REFUSE_PRIORITY: u32 = 20;
/// Of tenants with an n8n of their own, of which nothing of that is refused.
const OWN_PRIORITY: u32 = 30;
const OWN_PARTED_PRIORITY: u32 = 33;
const OWN_WEBHOOKS_PRIORITY: u32 = 36;
const OWN_REFUSE_PRIORITY: u32 = 40;

/// Less than the 5 s for which Node keeps an idle connection: with more, the edge now and then sends a request on one that is just
/// being closed, and cannot send a POST again.
const IDLE_FOR: &str = "4s";

/// An instance in the same machine accepts at once; the default of 30 s is for the internet.
const DIAL_WITHIN: &str = "5s";

/// What the edge is apart from its routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How tenants are served on the entrypoint `websecure`. `None`: on `web`, in plain text.
    pub tls: Option<Tls>,
    /// Who answers while nothing of a tenant's is ready, and in its place.
    pub waiting: TargetUrl,
    /// How many requests of one host may be under way; the next is refused with 429.
    pub in_flight: u32,
    /// Where tenants' containers are: on the entrypoint `inner` nobody from there is answered.
    pub tenants: Ipv4Net,
}

/// The whole configuration: these routes and no others. A side that is not `ready` gets no calls. Traefik orders the certificates that
/// are `asked` for, with every document that asks for one it does not have.
pub fn document(
    routes: &[Route],
    ready: impl Fn(&Route, Color) -> bool,
    asked: &BTreeSet<Certificate>,
    settings: &Settings,
) -> Value {
    let mut http = Sections::with(settings, shared_instances(routes));
    asked.iter().for_each(|certificate| http.ask(certificate));
    for route in routes {
        if let Some(mark) = route.mark() {
            http.add(route, mark, |color| ready(route, color));
        }
    }
    http.into_document()
}

/// The n8ns that tenants share, and where they are.
fn shared_instances(routes: &[Route]) -> HashMap<TenantId, &Route> {
    let shared = routes.iter().filter(|route| route.purpose == Purpose::Shared && route.mark().is_some());
    shared.map(|route| (route.tenant, route)).collect()
}

/// Tells whoever answers in a tenant's place which page to show.
fn stand_in(stand_in: StandIn) -> Value {
    json!({ "headers": { "customRequestHeaders": { STAND_IN_HEADER: stand_in.as_str() } } })
}

/// The name of that middleware: no host has an underscore.
fn stand_in_name(stand_in: StandIn) -> String {
    format!("stand_in_{}", stand_in.as_str())
}

/// No caller has this address, so nobody passes; the answer is the one for a path that does not exist.
fn refuse() -> Value {
    json!({ "ipAllowList": { "sourceRange": ["255.255.255.255/32"], "rejectStatusCode": 404 } })
}

/// For good, with method and body: webhooks' callers follow it too.
fn to_tls(port: u16) -> Value {
    json!({ "redirectScheme": { "scheme": "https", "port": port.to_string(), "permanent": true } })
}

fn in_flight(amount: u32) -> Value {
    json!({ "inFlightReq": { "amount": amount, "sourceCriterion": everybody() } })
}

/// Counts by a header that Traefik itself sets, to the same value in every request: the host as the caller wrote it may carry any
/// port, and each would have a count of its own. Each router has its own counter.
fn everybody() -> Value {
    json!({ "requestHeaderName": "X-Forwarded-Server" })
}
