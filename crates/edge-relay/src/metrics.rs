//! Every metric of the relay.

use edge::{Certificate, StandIn, guard::Refusal};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use time::OffsetDateTime;

const ROUTES: &str = "rp9_edge_routes";
const WAITING: &str = "rp9_edge_sides_waiting";
const HEARD_AT: &str = "rp9_edge_heard_timestamp_seconds";
const STRANGER: &str = "rp9_edge_stranger";
const SHRUNK: &str = "rp9_edge_shrunk";
const ANSWERS: &str = "rp9_edge_waiting_answers_total";
const STOOD_IN: &str = "rp9_edge_stand_in_answers_total";
const CERTIFICATES: &str = "rp9_edge_certificates";
const FIRST_END: &str = "rp9_edge_certificates_first_end_timestamp_seconds";
const ORDERS: &str = "rp9_edge_certificate_orders_total";

/// Says what each metric means.
pub fn describe() {
    describe_gauge!(ROUTES, "Hosts that are served.");
    describe_gauge!(WAITING, "Sides of tenants that get no calls because they are not ready.");
    describe_gauge!(HEARD_AT, "When the gateway last told its routes, whether they were followed or not.");
    describe_gauge!(STRANGER, "1 while routes of another record are refused: a person decides.");
    describe_gauge!(
        SHRUNK,
        "1 while routes are refused because too many are gone at once: a person decides."
    );
    describe_counter!(ANSWERS, "Calls that got the waiting page.");
    describe_counter!(STOOD_IN, "Calls that got the page of a stand-in, by which.");
    describe_gauge!(CERTIFICATES, "Certificates that callers need, by kind and by how they are.");
    describe_gauge!(
        FIRST_END,
        "When the first of those ends that are shown to callers, by kind; not of domains that lead elsewhere."
    );
    describe_counter!(ORDERS, "How often Traefik was asked to order a certificate that is not there.");
    counter!(ANSWERS).absolute(0);
    for stand_in in StandIn::ALL {
        counter!(STOOD_IN, "stand_in" => stand_in.as_str()).absolute(0);
    }
    refused(None);
}

/// This is served now.
pub fn served(routes: usize, waiting: usize) {
    gauge!(ROUTES).set(routes as f64);
    gauge!(WAITING).set(waiting as f64);
}

/// The gateway has answered.
pub fn heard() {
    gauge!(HEARD_AT).set(common::clock::now().unix_timestamp() as f64);
}

/// This is what stands against following what was heard.
pub fn refused(refusal: Option<Refusal>) {
    gauge!(STRANGER).set(f64::from(u8::from(matches!(refusal, Some(Refusal::Stranger { .. })))));
    gauge!(SHRUNK).set(f64::from(u8::from(matches!(refusal, Some(Refusal::Shrunk { .. })))));
}

/// Somebody got the waiting page, or that of this stand-in.
pub fn answered(stand_in: Option<StandIn>) {
    match stand_in {
        None => counter!(ANSWERS).increment(1),
        Some(stand_in) => counter!(STOOD_IN, "stand_in" => stand_in.as_str()).increment(1),
    }
}

/// These are the certificates of one kind: how many there are in each state, and when the first ends.
pub fn certificates(
    kind: &'static str,
    amounts: impl IntoIterator<Item = (&'static str, usize)>,
    first_end: Option<OffsetDateTime>,
) {
    for (state, amount) in amounts {
        gauge!(CERTIFICATES, "kind" => kind, "state" => state).set(amount as f64);
    }
    // None is never over.
    let end = first_end.map_or(f64::INFINITY, |end| end.unix_timestamp() as f64);
    gauge!(FIRST_END, "kind" => kind).set(end);
}

/// Traefik was asked to order this one.
pub fn ordered(certificate: &Certificate) {
    counter!(ORDERS, "kind" => certificate.kind()).increment(1);
}
