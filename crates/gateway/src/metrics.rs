//! Every metric of the gateway. Labels come from closed sets: route templates, methods, classes of status, words.

use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const REQUESTS: &str = "rp9_http_requests_total";
const REQUEST_DURATION: &str = "rp9_http_request_duration_seconds";
const REPLAYS: &str = "rp9_idempotent_replays_total";
const ACCEPTED: &str = "rp9_operations_accepted_total";
const WAKE_UPS: &str = "rp9_wake_ups_total";
const AUDIT_LOST: &str = "rp9_audit_lost_total";
const EVENTS_RELAYED: &str = "rp9_events_relayed_total";
const EVENTS_LAG: &str = "rp9_events_lag_seconds";
const CONNECTIONS: &str = "rp9_connections";
const EVENT_CLIENTS: &str = "rp9_event_clients";
const EVENT_CLIENTS_DROPPED: &str = "rp9_event_clients_dropped_total";
const TENANTS: &str = "rp9_tenants_total";
const SHARED_TENANTS: &str = "rp9_shared_n8n_tenants";
const SHARED_CAPACITY: &str = "rp9_shared_n8n_capacity";
const STUCK: &str = "rp9_operations_stuck";
const BACKLOG: &str = "rp9_operations_waiting";
const ACCEPTING: &str = "rp9_accepting";
const RATE_LIMITED: &str = "rp9_rate_limited_total";
const RATES_SHARED: &str = "rp9_rate_limits_shared";
const DEAD_LETTERS: &str = "rp9_dead_letters";
const AUDIT_CHAIN_BROKEN: &str = "rp9_audit_chain_broken";

/// Says what each metric means.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route, method and class of status.");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "From a request's headers to its answer.");
    describe_counter!(RATE_LIMITED, "Requests refused because there were too many, by policy.");
    describe_gauge!(
        RATES_SHARED,
        "1 while this gateway counts requests in Redis with all others, 0 while it counts for itself."
    );
    describe_counter!(REPLAYS, "Answers given again under their idempotency key.");
    describe_counter!(ACCEPTED, "Operations accepted, by kind.");
    describe_counter!(WAKE_UPS, "Wake-ups published after an operation was accepted, by outcome.");
    describe_counter!(AUDIT_LOST, "Refusals that are not in the audit log and never will be, by reason.");
    describe_gauge!(
        STUCK,
        "Operations that wait for a person, by kind. Every replica tells the same number."
    );
    describe_gauge!(BACKLOG, "Operations that have not begun, counted to the high water mark.");
    describe_gauge!(ACCEPTING, "1 while this gateway accepts operations, 0 above the high water mark.");
    describe_gauge!(
        DEAD_LETTERS,
        "Dead letters nobody has decided about, by service and reason. Every replica tells the same."
    );
    describe_gauge!(
        AUDIT_CHAIN_BROKEN,
        "1 if the last verification found that the audit log was tampered with. Every replica tells the same."
    );
    describe_counter!(EVENTS_RELAYED, "Events published on the bus by this process.");
    describe_gauge!(
        EVENTS_LAG,
        Unit::Seconds,
        "Age of the oldest unpublished event. Every replica tells the same."
    );
    describe_gauge!(CONNECTIONS, "Open connections of this process, by listener.");
    describe_gauge!(EVENT_CLIENTS, "Clients following events at this process.");
    describe_counter!(EVENT_CLIENTS_DROPPED, "Clients cut off before they were done, by reason.");
    describe_gauge!(TENANTS, "Tenants by mode, status and plan. Every replica tells the same number.");
    describe_gauge!(
        SHARED_TENANTS,
        "Tenants of those shared n8ns that take more. Every replica tells the same number."
    );
    describe_gauge!(
        SHARED_CAPACITY,
        "How many tenants those n8ns may hold together. Every replica tells the same number."
    );
}

/// One request was answered.
pub fn request(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let (method, route) = (method_label(method), route.to_owned());
    let class = match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => class).increment(1);
    histogram!(REQUEST_DURATION, "route" => route, "method" => method).record(took.as_secs_f64());
}

/// A method can be any word a caller makes up.
fn method_label(method: &Method) -> &'static str {
    let known = ["GET", "POST", "DELETE", "PATCH", "PUT", "HEAD", "OPTIONS"];
    known.into_iter().find(|known| method == known).unwrap_or("other")
}

/// A kept answer was given again.
pub fn replayed() {
    counter!(REPLAYS).increment(1);
}

/// A request was one too many.
pub fn rate_limited(policy: crate::rates::Policy) {
    counter!(RATE_LIMITED, "policy" => policy.as_str()).increment(1);
}

/// Whether requests are counted together with all other gateways.
pub fn rates_shared(shared: bool) {
    gauge!(RATES_SHARED).set(f64::from(u8::from(shared)));
}

/// An operation was accepted.
pub fn accepted(kind: &'static str) {
    counter!(ACCEPTED, "kind" => kind).increment(1);
}

/// A wake-up was published, or not.
pub fn woken(published: bool) {
    counter!(WAKE_UPS, "outcome" => if published { "published" } else { "left_to_the_sweeper" }).increment(1);
}

/// So many refusals will never be in the audit log.
pub fn audit_lost(reason: &'static str, count: usize) {
    counter!(AUDIT_LOST, "reason" => reason).increment(count as u64);
}

/// So many operations of this kind wait for a person.
pub fn stuck(kind: &'static str, count: i64) {
    gauge!(STUCK, "kind" => kind).set(count as f64);
}

/// So many operations wait, and whether more are accepted.
pub fn backlog(waiting: i64, accepting: bool) {
    gauge!(BACKLOG).set(waiting as f64);
    gauge!(ACCEPTING).set(f64::from(u8::from(accepting)));
}

/// So many dead letters of this service wait for a decision.
pub fn dead_letters(service: &str, reason: &str, count: i64) {
    gauge!(DEAD_LETTERS, "service" => service.to_owned(), "reason" => reason.to_owned()).set(count as f64);
}

/// Whether somebody tampered with the audit log.
pub fn audit_chain_broken(broken: bool) {
    gauge!(AUDIT_CHAIN_BROKEN).set(f64::from(u8::from(broken)));
}

/// So many events were published.
pub fn events_relayed(count: usize) {
    counter!(EVENTS_RELAYED).increment(count as u64);
}

/// The oldest unpublished event is so old.
pub fn events_lag(seconds: f64) {
    gauge!(EVENTS_LAG).set(seconds);
}

/// So many connections more, or less.
pub fn connection(listener: &'static str, change: f64) {
    gauge!(CONNECTIONS, "listener" => listener).increment(change);
}

/// So many clients more, or less.
pub fn event_client(change: f64) {
    gauge!(EVENT_CLIENTS).increment(change);
}

/// A client was cut off.
pub fn event_client_dropped(end: crate::events::End) {
    counter!(EVENT_CLIENTS_DROPPED, "reason" => end.as_str()).increment(1);
}

/// So many tenants of this sort.
pub fn tenants(mode: &'static str, status: &'static str, plan: &str, count: i64) {
    // Counts stay far below 2^53.
    gauge!(TENANTS, "mode" => mode, "status" => status, "plan" => plan.to_owned()).set(count as f64);
}

/// So full are those shared n8ns that take more tenants.
pub fn shared_places(tenants: i64, capacity: i64) {
    gauge!(SHARED_TENANTS).set(tenants as f64);
    gauge!(SHARED_CAPACITY).set(capacity as f64);
}
