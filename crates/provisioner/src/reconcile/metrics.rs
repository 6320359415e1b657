//! What Prometheus learns of the reconciler. Every replica tells the same gauges.

use std::collections::BTreeSet;

use metrics::{counter, describe_counter, describe_gauge, gauge};

use super::{drift::Drift, notes::Note, plan::Plan, rows::Rows};

const DRIFT: &str = "rp9_drift_total";
const RESTARTS: &str = "rp9_instance_restarts_total";
const OOM_KILLS: &str = "rp9_instance_oom_kills_total";
const UNHEALTHY: &str = "rp9_tenants_unhealthy";
const OUTDATED: &str = "rp9_tenants_outdated";
const UNKNOWN: &str = "rp9_tenants_unknown";
const SILENT: &str = "rp9_containers_silent";
const REMOVED: &str = "rp9_orphans_removed_total";
const HELD: &str = "rp9_orphans_held";
const BLIND: &str = "rp9_reconciler_blind";

/// What may be away.
const SEEN: [&str; 4] = ["docker", "redis", "shared_n8n", "tenant_postgres"];

/// Says what each metric means.
pub fn describe() {
    describe_counter!(DRIFT, "Ways in which tenants drifted and are healed, by kind.");
    describe_counter!(RESTARTS, "Containers that ended and were started again by the engine, by role.");
    describe_counter!(OOM_KILLS, "Processes of tenants that were killed for want of memory, by role.");
    describe_gauge!(UNHEALTHY, "Tenants that healing does not help. Each calls a person.");
    describe_gauge!(OUTDATED, "Tenants that run with a former release's settings or configuration.");
    describe_gauge!(SILENT, "Containers that the engine lists and says nothing more of.");
    describe_gauge!(UNKNOWN, "Tenants on the engine that the record has never heard of. They call a person.");
    describe_counter!(REMOVED, "Objects of tenants that are gone which were removed.");
    describe_gauge!(
        HELD,
        "Objects of tenants that are gone which are not removed, because too many tenants are."
    );
    describe_gauge!(BLIND, "1 while the reconciler cannot see this part of the world.");
    describe_gauge!(
        "rp9_engine_stranger",
        "1 while the engine belongs to another record. It calls a person."
    );
}

/// A tenant is healed of this.
pub fn drifted(drift: &Drift) {
    counter!(DRIFT, "kind" => drift.kind()).increment(1);
}

/// A note was written by this process.
pub fn noted(note: &Note) {
    if note.restarts > 0 {
        counter!(RESTARTS, "role" => note.role).increment(note.restarts);
    }
    if note.oom_kills > 0 {
        counter!(OOM_KILLS, "role" => note.role).increment(note.oom_kills);
    }
}

/// An orphan was removed.
pub fn removed() {
    counter!(REMOVED).increment(1);
}

/// So many orphans are held back.
pub fn held(count: usize) {
    gauge!(HELD).set(count as f64);
}

/// How the cluster is.
pub fn cluster(rows: &Rows, plan: &Plan) {
    let troubles = rows.tenants.values().filter_map(|tenant| tenant.trouble);
    gauge!(UNHEALTHY).set(troubles.filter(|trouble| trouble.shown).count() as f64);
    gauge!(OUTDATED).set(plan.outdated.len() as f64);
    gauge!(UNKNOWN).set(plan.unknown.len() as f64);
}

/// The engine says nothing of so many containers.
pub fn silent(count: usize) {
    gauge!(SILENT).set(count as f64);
}

/// What cannot be seen.
pub fn blind(spots: &BTreeSet<&'static str>) {
    for what in SEEN {
        gauge!(BLIND, "what" => what).set(f64::from(u8::from(spots.contains(what))));
    }
}
