//! Backups, restored: what is asked for, what is said in the end, and what of them is listed and removed.

use serde_json::{Value, json};

use crate::support::{Gateway, Rp9, Terminal, Turn, operation};

const RESTORE: &str = "POST /tenants/acme/restore";
const SANDBOX: &str = r#"{"restore_id":"res_1","operation_id":"op_1","backup_id":"bak_1","sandbox":"acme-restore-20260801",
    "sandbox_url":"https://acme-restore-20260801.flows.example","estimated_completion":"2026-08-01T12:10:00Z"}"#;
const IN_PLACE: &str = r#"{"restore_id":"res_1","operation_id":"op_1","backup_id":"bak_1","estimated_completion":"2026-08-01T12:10:00Z"}"#;

async fn restores(gateway: &Gateway, words: &[&str]) -> crate::support::Ended {
    Rp9::at(gateway, &[&["backups", "restore", "acme"], words].concat()).run().await
}

/// What the last one was asked for.
fn asked(gateway: &Gateway) -> Value {
    serde_json::from_str(&gateway.seen_at(RESTORE).last().unwrap().body).unwrap()
}

#[tokio::test]
async fn a_sandbox_is_made_and_its_address_is_said_in_the_end() {
    let gateway = Gateway::open().await;
    gateway
        .says(RESTORE, [Turn::json(202, SANDBOX), Turn::json(202, SANDBOX), Turn::problem(409, "no_room")]);
    gateway.says("GET /operations/op_1", [Turn::json(200, operation("succeeded", 3))]);
    let told = restores(&gateway, &[]).await.expect(0);
    assert_eq!(told.out, "accepted: backup bak_1, sandbox acme-restore-20260801, operation op_1\n");
    for said in ["https://acme-restore-20260801.flows.example", "rp9 sandboxes delete acme-restore-20260801"]
    {
        assert!(told.err.contains(said), "{told:?}");
    }
    assert_eq!(asked(&gateway), json!({ "restore_to_sandbox": true }));
    let at = ["--at", "2026-08-01T12:00:00Z", "--without-executions", "--no-wait", "--quiet"];
    let told = restores(&gateway, &at).await.expect(0);
    assert_eq!((told.out.as_str(), told.err.as_str()), ("op_1\n", ""));
    let expected = json!({ "restore_to_sandbox": true, "restore_point": "2026-08-01T12:00:00Z", "include_executions": false });
    assert_eq!(asked(&gateway), expected);
    assert!(restores(&gateway, &[]).await.expect(3).err.contains("no_room"));
}

#[tokio::test]
async fn one_that_was_taken_back_says_nothing_of_an_address() {
    let gateway = Gateway::open().await;
    gateway.says(RESTORE, [Turn::json(202, SANDBOX)]);
    gateway.says("GET /operations/op_1", [Turn::json(200, operation("rolled_back", 1))]);
    assert!(!restores(&gateway, &[]).await.expect(5).err.contains("https://"));
}

#[tokio::test]
async fn in_place_is_done_once_the_tenants_name_was_typed_again() {
    let gateway = Gateway::open().await;
    gateway.says(RESTORE, [Turn::json(202, IN_PLACE)]);
    gateway.says("GET /operations/op_1", [Turn::json(200, operation("succeeded", 3))]);
    let words = ["backups", "restore", "acme", "--backup", "bak_1", "--in-place"];
    for (typed, code) in [("acne\n", 2), ("acme\n", 0)] {
        let mut terminal = Terminal::open();
        let mut child = Rp9::at(&gateway, &words).start_on(&terminal);
        let warned = terminal.shows("Type its name again:").await;
        assert!(warned.contains("kept as a backup for 30 days"), "{warned}");
        terminal.types(typed).await;
        let end = if code == 0 { "acme was restored from bak_1." } else { "Nothing was restored." };
        terminal.shows(end).await;
        assert_eq!(child.wait().await.unwrap().code(), Some(code));
    }
    assert_eq!(gateway.seen_at(RESTORE).len(), 1);
    assert_eq!(asked(&gateway), json!({ "restore_to_sandbox": false, "backup_id": "bak_1" }));
}

#[tokio::test]
async fn where_nobody_can_be_asked_it_is_said_on_the_command_line() {
    let gateway = Gateway::open().await;
    gateway.says(RESTORE, [Turn::json(202, IN_PLACE)]);
    gateway.says("GET /operations/op_1", [Turn::json(200, operation("succeeded", 3))]);
    assert!(restores(&gateway, &["--in-place"]).await.expect(2).err.contains("--yes"));
    assert!(gateway.seen().is_empty());
    let told = restores(&gateway, &["--in-place", "--yes"]).await.expect(0);
    assert_eq!(told.out, "accepted: backup bak_1, operation op_1\n");
    assert!(told.err.contains("acme was restored from bak_1. What it had before"), "{told:?}");
    let without = ["--in-place", "--without-safety-backup", "--yes"];
    let told = restores(&gateway, &without).await.expect(0);
    assert!(told.err.ends_with("acme was restored from bak_1.\n"), "{told:?}");
    assert_eq!(asked(&gateway), json!({ "restore_to_sandbox": false, "safety_backup": false }));
}

#[tokio::test]
async fn what_contradicts_itself_is_not_sent() {
    let gateway = Gateway::open().await;
    restores(&gateway, &["--without-safety-backup"]).await.expect(2);
    restores(&gateway, &["--backup", "bak_1", "--at", "2026-08-01T12:00:00Z"]).await.expect(2);
    assert!(gateway.seen().is_empty());
}

#[tokio::test]
async fn sandboxes_are_listed_and_removed() {
    let gateway = Gateway::open().await;
    let sandbox = json!({
        "name": "acme-restore-20260801", "sandbox_url": "https://acme-restore-20260801.flows.example", "tenant_id": "ten_1", "backup_id": "bak_1",
        "status": "active", "failure": null, "n8n_version": "2.41.1", "operation_id": "op_1", "created_at": "2026-08-01T12:00:00Z",
        "expires_at": "2026-08-04T12:00:00Z",
    });
    let page = json!({ "data": [sandbox], "next_cursor": null }).to_string();
    gateway.says("GET /sandboxes", [Turn::json(200, &*page)]);
    let removed = r#"{"name":"acme-restore-20260801","operation_id":"op_1","status":"deleting"}"#;
    const REMOVE: &str = "DELETE /sandboxes/acme-restore-20260801";
    gateway.says(REMOVE, [Turn::json(202, removed), Turn::problem(409, "removal_under_way")]);
    gateway.says("GET /operations/op_1", [Turn::json(200, operation("succeeded", 3))]);
    let rp9 = async |words: &[&str]| Rp9::at(&gateway, &[&["sandboxes"], words].concat()).run().await;
    let shown = rp9(&["list", "--tenant", "acme"]).await.expect(0);
    for said in ["active", "https://acme-restore-20260801.flows.example", "2026-08-04 12:00:00Z", "bak_1"] {
        assert!(shown.out.contains(said), "{said}: {}", shown.out);
    }
    assert!(gateway.seen()[0].line.contains("tenant=acme"));
    assert_eq!(rp9(&["list", "--quiet"]).await.expect(0).out, "acme-restore-20260801\n");
    let told = rp9(&["delete", "acme-restore-20260801"]).await.expect(0);
    assert_eq!(told.out, "accepted: operation op_1\n");
    let again = rp9(&["delete", "acme-restore-20260801"]).await.expect(3);
    assert!(again.err.contains("removal_under_way"), "{again:?}");
}
