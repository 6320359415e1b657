//! Tenants' lives by the operators' command line, as an operator would type it.

use std::{collections::BTreeSet, process::Command, time::Duration};

use e2e::{docker, eventually, labelled};
use serde_json::Value;

/// Where `up` leaves it ready to be used.
const RP9: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rp9");

/// What a command line came to.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs `rp9` with these words; it must end with this code.
#[track_caller]
fn rp9(code: i32, words: &str) -> Ended {
    let output = Command::new(RP9).args(words.split(' ')).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let ended = Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    assert_eq!(ended.code, Some(code), "rp9 {words}: {ended:#?}");
    ended
}

/// The same with `--json`.
#[track_caller]
fn json(words: &str) -> Value {
    let ended = rp9(0, &format!("{words} --json"));
    serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("rp9 {words}: {e}: {ended:#?}"))
}

fn fresh(name: &str) -> String {
    format!("{name}-{}", &uuid::Uuid::now_v7().simple().to_string()[16..])
}

fn it_is_scaled_and_restarted(name: &str) {
    rp9(0, &format!("tenants scale {name} --workers 1"));
    assert_eq!(json(&format!("tenants show {name}"))["data"]["tenant"]["workers"], 1);
    assert!(rp9(3, &format!("tenants scale {name} --workers 99")).err.contains("/workers"));
    let before = begun(name);
    rp9(0, &format!("tenants restart {name}"));
    assert!(before.is_disjoint(&begun(name)), "each of its containers has begun anew");
    assert!(rp9(0, &format!("tenants events {name} --hours 1")).out.contains("operation.succeeded"));
}

/// When each of a tenant's containers began.
fn begun(name: &str) -> BTreeSet<String> {
    let id = json(&format!("tenants show {name}"))["data"]["tenant"]["id"].as_str().unwrap().to_owned();
    let of =
        |container: String| docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &container]).unwrap();
    labelled("container", &id).into_iter().map(of).collect()
}

fn it_is_suspended_and_resumed(name: &str) {
    rp9(0, &format!("tenants suspend {name}"));
    let again = rp9(0, &format!("tenants suspend {name}"));
    assert!(format!("{}{}", again.out, again.err).contains("already"), "{again:#?}");
    rp9(0, &format!("tenants resume {name}"));
}

/// Whatever it does.
async fn it_is_looked_at(name: &str) {
    let metrics = rp9(0, &format!("metrics {name}"));
    for figure in ["queue wait", "cpu", "memory", "workers"] {
        assert!(metrics.out.lines().any(|line| line.starts_with(figure)), "{figure}: {metrics:#?}");
    }
    eventually("it is among those who do the most", Duration::from_secs(60), async || {
        let top = rp9(0, "top --limit 200 --sort memory").out;
        if top.lines().any(|line| line.starts_with(name)) { Ok(()) } else { Err(top) }
    })
    .await;
    let top = json("top --limit 1");
    assert_eq!(top["data"].as_array().map(Vec::len), Some(1), "{top}");
    let logs = json(&format!("logs {name} --role main --tail 5"));
    assert!(logs["data"].as_array().is_some_and(|lines| !lines.is_empty()), "{logs}");
}

/// Which is nothing.
fn what_it_used_is_told(name: &str) {
    let usage = rp9(0, &format!("usage {name} --resolution hour --time-zone Europe/Berlin"));
    assert!(usage.out.contains("production    for limits and bills  0"), "{usage:#?}");
    assert!(usage.out.lines().any(|line| line.starts_with("api calls  ")), "{usage:#?}");
    assert_eq!(json(&format!("usage {name}"))["data"]["billable_executions"], 0);
    assert!(rp9(3, &format!("usage {name} --period 2026-13")).err.contains("period"));
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_dedicated_tenant_is_looked_at_scaled_and_restarted() {
    // As `deploy/up` called it.
    let name = "acme";
    let shown = json(&format!("tenants show {name}"));
    let main = shown["data"]["tenant"]["container_id"].as_str().unwrap();
    assert!(rp9(0, &format!("tenants show {name}")).out.contains(main));
    it_is_looked_at(name).await;
    it_is_scaled_and_restarted(name);
}

#[test]
#[ignore = "needs a running platform: deploy/test"]
fn a_tenant_lives_by_the_command_line_from_its_creation_to_its_removal() {
    assert!(rp9(0, "health").out.starts_with("PART"));
    assert!(rp9(0, "plans").out.contains("starter"));
    assert!(rp9(0, "api GET /plans").out.contains("\"starter\""));
    let name = fresh("cli");
    let create = format!("tenants create {name} --email owner@e2e.example --plan starter");
    let created = rp9(0, &create);
    assert!(created.out.starts_with("accepted: tenant ten_"), "{created:#?}");
    for told in ["activate", "tenant.create succeeded", &format!("rp9 tenants login {name}")] {
        assert!(created.err.contains(told), "{told}: {created:#?}");
    }
    let again = rp9(3, &create);
    assert!(again.err.contains("subdomain_taken") && again.err.contains("trace id"), "{again:#?}");

    let shown = json(&format!("tenants show {name}"));
    let id = shown["data"]["tenant"]["id"].as_str().unwrap().to_owned();
    assert_eq!(shown["data"]["status"], "active");
    assert_eq!(rp9(0, &format!("tenants list --q {name} --quiet")).out, id);
    assert!(rp9(0, &format!("tenants login {name}")).out.contains(&format!("{id}@tenants.invalid")));
    what_it_used_is_told(&name);
    it_is_suspended_and_resumed(&name);

    let operations = json(&format!("operations list --tenant {name} --kind tenant.create"));
    assert_eq!(operations["data"][0]["status"], "succeeded");
    let operation = operations["data"][0]["id"].as_str().unwrap();
    assert!(rp9(0, &format!("operations show {operation}")).out.contains("activate"));
    rp9(0, &format!("operations watch {operation}"));

    rp9(2, &format!("tenants delete {name}"));
    let deleted = rp9(0, &format!("tenants delete {name} --yes"));
    assert!(deleted.err.contains("tenant.delete succeeded"), "{deleted:#?}");
    assert_eq!(json(&format!("tenants show {id}"))["data"]["status"], "deleted");
    rp9(3, &format!("tenants delete {id} --yes"));
    let audit = json(&format!("audit --tenant {id} --all"));
    let actions: Vec<_> = audit["data"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    for action in ["tenant.create", "tenant.suspend", "tenant.delete"] {
        assert!(actions.iter().any(|seen| *seen == action), "{action}: {actions:?}");
    }
}

#[test]
#[ignore = "needs a running platform: deploy/test"]
fn a_creation_is_called_off_and_everything_is_as_before() {
    let name = fresh("cli");
    let create = format!("tenants create {name} --email owner@e2e.example --plan starter --mode dedicated");
    let operation = rp9(0, &format!("{create} --no-wait --quiet")).out;
    let cancelled = rp9(0, &format!("operations cancel {operation} --reason mistake"));
    assert!(cancelled.err.contains("tenant.create rolled back"), "{cancelled:#?}");
    rp9(5, &format!("operations watch {operation}"));
    rp9(0, &format!("tenants list --q {name} --status failed"));
}

#[test]
#[ignore = "needs a running platform: deploy/test"]
fn a_schedule_is_held_back_and_let_go() {
    assert!(rp9(0, "schedules list").out.contains("audit.verify"));
    assert!(rp9(0, "schedules pause audit.verify --reason e2e").out.contains("is paused"));
    assert!(rp9(0, "schedules list").out.contains("e2e"));
    assert!(rp9(0, "schedules resume audit.verify").out.contains("fires"));
    rp9(0, "dead-letters list");
}
