//! Copies of tenants' data: what is asked for, and what is shown of them.

use serde_json::{Value, json};

use crate::support::{Gateway, Rp9, Turn, operation};

const CREATE: &str = "POST /tenants/acme/backup";

fn backup() -> Value {
    json!({
        "id": "bak_1", "tenant_id": "ten_1", "type": "daily", "status": "verified", "restorable": true, "legal_hold": true,
        "includes": { "database": true, "workflows": true, "files": false }, "path": "s3://rp9-backups/a/", "bytes": 5_242_880,
        "taken_at": "2026-08-01T02:00:00Z", "verified_at": "2026-08-01T02:01:00Z", "kept_until": "2026-08-08T02:00:00Z",
        "failure": null, "operation_id": "op_1", "created_at": "2026-08-01T02:00:00Z",
        "manifest": {
            "n8n_version": "2.41.1", "counts": { "workflows": 3, "credentials": 2 },
            "objects": [{ "name": "database.dump.zst.age", "what": "database", "bytes": 1_048_576, "sha256": "0a1b" }],
        },
    })
}

#[tokio::test]
async fn a_tenants_are_listed_with_how_they_stand() {
    let gateway = Gateway::open().await;
    let failed =
        json!({ "id": "bak_0", "type": "manual", "status": "failed", "failure": "The store is full." });
    let page = json!({ "data": [backup(), failed], "next_cursor": null }).to_string();
    gateway.says("GET /tenants/acme/backups", [Turn::json(200, &*page)]);
    let shown = Rp9::at(&gateway, &["backups", "list", "acme", "--status", "failed"]).run().await.expect(0);
    for said in ["bak_1", "verified", "5.0 MB", "2026-08-08 02:00:00Z", "yes", "The store is full."] {
        assert!(shown.out.contains(said), "{said}: {}", shown.out);
    }
    assert!(gateway.seen()[0].line.contains("status=failed"));
    let quiet = Rp9::at(&gateway, &["backups", "list", "acme", "--quiet"]).run().await.expect(0);
    assert_eq!(quiet.out, "bak_1\nbak_0\n");
    let json = Rp9::at(&gateway, &["backups", "list", "acme", "--json"]).run().await.expect(0);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()["data"][0], backup());
}

#[tokio::test]
async fn one_is_shown_with_its_objects() {
    let gateway = Gateway::open().await;
    let body = json!({ "data": backup() }).to_string();
    gateway.says("GET /backups/bak_1", [Turn::json(200, &*body)]);
    let shown = Rp9::at(&gateway, &["backups", "show", "bak_1"]).run().await.expect(0);
    for (name, said) in [
        ("restorable", "yes"),
        ("includes", "database, workflows"),
        ("path", "s3://rp9-backups/a/"),
        ("of", "2026-08-01 02:00:00Z"),
        ("held", "yes"),
        ("size", "5.0 MB"),
        ("has", "2 credentials, 3 workflows"),
        ("database.dump.zst.age", "0a1b"),
    ] {
        let is_said = |line: &str| line.starts_with(name) && line.ends_with(said);
        assert!(shown.out.lines().any(is_said), "{name}: {}", shown.out);
    }
    assert!(!shown.out.contains("because"), "{}", shown.out);
    let quiet = Rp9::at(&gateway, &["backups", "show", "bak_1", "--quiet"]).run().await.expect(0);
    assert_eq!(quiet.out, "verified\n");
}

#[tokio::test]
async fn one_is_made_as_it_is_said_and_followed_to_its_end() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"ok":true,"backup_id":"bak_1","path":"s3://rp9-backups/a/","operation_id":"op_1"}"#;
    let turns = [Turn::json(202, accepted), Turn::json(202, accepted), Turn::problem(409, "conflict")];
    gateway.says(CREATE, turns);
    gateway.says("GET /operations/op_1", [Turn::json(200, operation("succeeded", 3))]);
    let words = [
        "backups",
        "create",
        "acme",
        "--type",
        "pre-upgrade",
        "--without",
        "files",
        "--without",
        "executions",
        "--days",
        "90",
        "--reason",
        "n8n 3",
    ];
    let told = Rp9::at(&gateway, &words).run().await.expect(0);
    assert_eq!(told.out, "accepted: backup bak_1, operation op_1\n");
    assert!(told.err.contains("rp9 backups show bak_1"), "{told:?}");
    let body: Value = serde_json::from_str(&gateway.seen_at(CREATE)[0].body).unwrap();
    let expected = json!({ "backup_type": "pre_upgrade", "includes_files": false, "includes_executions": false, "retention_days": 90,
                           "reason": "n8n 3" });
    assert_eq!(body, expected);
    let quiet =
        Rp9::at(&gateway, &["backups", "create", "acme", "--no-wait", "--quiet"]).run().await.expect(0);
    assert_eq!((quiet.out.as_str(), gateway.seen_at(CREATE)[1].body.as_str()), ("op_1\n", "{}"));
    Rp9::at(&gateway, &["backups", "create", "acme", "--days", "3651"]).run().await.expect(2);
    Rp9::at(&gateway, &["backups", "create", "acme", "--type", "final"]).run().await.expect(2);
    assert!(Rp9::at(&gateway, &["backups", "create", "acme"]).run().await.expect(3).err.contains("conflict"));
}

#[tokio::test]
async fn they_are_held_released_and_removed_by_whoever_says_so() {
    let gateway = Gateway::open().await;
    gateway.says("POST /backups/bak_1/hold", [Turn::json(200, r#"{"backup_id":"bak_1","legal_hold":true}"#)]);
    gateway.says(
        "POST /backups/bak_1/release",
        [Turn::json(200, r#"{"backup_id":"bak_1","legal_hold":false}"#)],
    );
    let removed = |status, word: &str| {
        Turn::json(status, format!(r#"{{"backup_id":"bak_1","status":"{word}","legal_hold":false}}"#))
    };
    gateway.says("DELETE /backups/bak_1", [removed(202, "removing"), Turn::problem(409, "last_backup")]);
    let rp9 = async |words: &[&str]| Rp9::at(&gateway, &[&["backups"], words].concat()).run().await;
    let held = rp9(&["hold", "bak_1", "--reason", "Case 7."]).await.expect(0);
    assert_eq!(
        (held.out.as_str(), gateway.seen()[0].body.as_str()),
        ("bak_1 is held\n", r#"{"reason":"Case 7."}"#)
    );
    assert_eq!(rp9(&["release", "bak_1"]).await.expect(0).out, "bak_1 is not held any more\n");
    // Nobody can be asked here.
    assert!(rp9(&["remove", "bak_1"]).await.expect(2).err.contains("--yes"));
    assert!(gateway.seen_at("DELETE /backups/bak_1").is_empty());
    assert_eq!(rp9(&["remove", "bak_1", "--yes"]).await.expect(0).out, "bak_1 is being removed\n");
    assert!(rp9(&["remove", "bak_1", "--yes"]).await.expect(3).err.contains("last_backup"));
}
