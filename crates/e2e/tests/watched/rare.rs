//! Series that are there only once something happened that a test does not bring about.

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use crate::asked::{Query, selectors};

/// What is asked for, and why it may not be there.
const RARE: &[(&str, &str)] = &[
    (r#"ALERTS{alertstate="firing"}"#, "no alert stands"),
    (r#"api:requests:rate5m{status="5xx"}"#, "the API has not failed"),
    (r#"operations:ended:rate5m{outcome!="succeeded"}"#, "every operation has succeeded"),
    ("rp9_audit_lost_total", "no refusal was lost"),
    ("rp9_backup_proven_age_seconds", "no backup was restored"),
    (r#"rp9_backup_proven_age_seconds{tenant="$tenant"}"#, "no backup was restored"),
    ("rp9_collector_sensor_blind", "the collector sees everybody"),
    (r#"rp9_collector_sensor_blind{tenant="$tenant"}"#, "the collector sees everybody"),
    ("rp9_collector_usage_read_timestamp_seconds", "everybody's executions are counted"),
    ("rp9_drift_total", "nobody was healed"),
    ("rp9_edge_certificates", "the edge speaks no TLS"),
    (r#"rp9_edge_certificates{kind="wildcard",state="valid"}"#, "the edge speaks no TLS"),
    (r#"rp9_edge_certificates{state=~"missing|ended"}"#, "the edge speaks no TLS"),
    ("rp9_edge_certificates_first_end_timestamp_seconds", "the edge speaks no TLS"),
    ("rp9_event_clients", "nobody has followed events"),
    ("rp9_external_n8n_obstacles", "every n8n is the platform's own"),
    ("rp9_freeze_seconds_bucket", "nobody's callers have waited"),
    ("rp9_held_oldest_seconds", "nobody's calls are held"),
    ("rp9_instance_oom_kills_total", "everybody has memory enough"),
    ("rp9_instance_restarts_total", "no container has ended by itself"),
    (r#"rp9_operation_steps_total{outcome!~"succeeded|waiting"}"#, "every step has succeeded"),
    ("rp9_operations_submitted_total", "no other service has asked for anything"),
    ("rp9_orphans_removed_total", "nothing was left behind"),
    ("rp9_panics_total", "nothing has panicked"),
    ("rp9_rate_limited_total", "nobody has asked too often"),
    ("rp9_restore_drill_age_seconds", "drills of a tenant are planned some minutes after it was made"),
    (
        r#"rp9_restore_drill_age_seconds{tenant="$tenant"}"#,
        "drills of a tenant are planned some minutes after it was made",
    ),
    ("rp9_restore_drill_passed", "no drill has ended"),
    (r#"rp9_restore_drill_passed{tenant="$tenant"}"#, "no drill has ended"),
    ("rp9_restore_rto_seconds", "no backup was restored"),
    (r#"rp9_restore_rto_seconds{tenant="$tenant"}"#, "no backup was restored"),
    (r#"rp9_schedule_firings_total{result="failed"}"#, "no schedule has failed"),
    (r#"rp9_tenant_oldest_waiting_seconds{tenant="$tenant"}"#, "nothing waits"),
    ("rp9_usage_lost_total", "whoever went was counted to the end"),
    (r#"rp9_wake_ups_total{outcome="left_to_the_sweeper"}"#, "NATS was there all the time"),
    (
        r#"traefik_router_requests_total{code=~"502|503|504",host!="",service!="waiting_page@http"}"#,
        "every n8n has answered",
    ),
];

/// Why this may not be there.
pub fn reason(selector: &str) -> Option<&'static str> {
    RARE.iter().find(|(rare, _)| *rare == selector).map(|(_, why)| *why)
}

/// What is listed and nobody asks for.
pub fn unused(queries: &[Query]) -> Vec<&'static str> {
    let asked: BTreeSet<_> = queries.iter().flat_map(selectors).map(|selector| selector.written).collect();
    RARE.iter().map(|(rare, _)| *rare).filter(|rare| !asked.contains(*rare)).collect()
}

/// Whether a crate of ours, or Prometheus by itself, tells this metric, if not at present.
pub fn is_told(metric: &str) -> bool {
    static TOLD: LazyLock<String> = LazyLock::new(|| {
        let mut text = String::new();
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for it in fs::read_dir(crates).unwrap() {
            let source = it.unwrap().path().join("src");
            if source.is_dir() {
                read(&source, &mut text);
            }
        }
        text
    });
    if metric == "ALERTS" {
        return true;
    }
    let parts = ["_bucket", "_sum", "_count"];
    let plain = parts.iter().find_map(|part| metric.strip_suffix(part)).unwrap_or(metric);
    TOLD.contains(&format!("\"{plain}\"")) || TOLD.contains(&format!("\"{metric}\""))
}

fn read(folder: &Path, text: &mut String) {
    for it in fs::read_dir(folder).unwrap() {
        let path = it.unwrap().path();
        if path.is_dir() {
            read(&path, text);
        } else {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
