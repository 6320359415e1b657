//! Second sides of a tenant: what is asked for, and what is shown of both.

use serde_json::{Value, json};

use crate::support::{Gateway, Rp9, Turn};

const TURN: &str = "POST /tenants/acme/blue-green";

#[tokio::test]
async fn each_action_is_asked_for_as_the_api_has_it() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"tenant_id":"ten_1","operation_id":"op_1","status":"active","already":false}"#;
    gateway.says(TURN, [Turn::json(202, accepted)]);
    for (words, body) in [
        (
            &["create", "green", "--n8n-version", "2.41.1", "--without-backup"][..],
            json!({ "action": "create_green", "n8n_version": "2.41.1", "pre_backup": false }),
        ),
        (&["create", "blue"], json!({ "action": "create_blue" })),
        (&["set-weight", "10"], json!({ "action": "set_weight", "weight": 10 })),
        (
            &["set-weight", "90", "--to", "blue"],
            json!({ "action": "set_weight", "weight": 90, "to": "blue" }),
        ),
        (&["swap", "--reason", "It is good."], json!({ "action": "swap", "reason": "It is good." })),
        (&["rollback"], json!({ "action": "rollback" })),
        (&["cleanup", "blue"], json!({ "action": "cleanup_blue" })),
    ] {
        let words = [&["tenants", "blue-green", "acme"][..], words, &["--no-wait"]].concat();
        let ended = Rp9::at(&gateway, &words).run().await.expect(0);
        assert_eq!(ended.out, "accepted: tenant ten_1, operation op_1\n");
        let sent: Value = serde_json::from_str(&gateway.seen().last().unwrap().body).unwrap();
        assert_eq!(sent, body);
    }
}

#[tokio::test]
async fn both_sides_are_shown_and_what_is_not_known_is_no_figure() {
    let gateway = Gateway::open().await;
    let shown = json!({ "data": { "active": "blue", "sides": [
        { "color": "blue", "n8n_version": "2.40.7", "serves": true, "served_before": false, "weight": 90, "health": "healthy",
          "workers": 2, "calls": 90, "error_rate": 0.025, "p95_ms": 81.4, "missing": null },
        { "color": "green", "n8n_version": "2.41.1", "serves": false, "served_before": false, "weight": 10, "health": "degraded",
          "workers": 1, "calls": null, "error_rate": null, "p95_ms": null, "missing": "It was not called." },
    ] } });
    gateway.says("GET /tenants/acme/blue-green/status", [Turn::json(200, shown.to_string())]);
    let ended = Rp9::at(&gateway, &["tenants", "blue-green", "acme", "status"]).run().await.expect(0);
    let lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ended.out);
    for words in ["2.40.7", "90", "healthy", "2.5 %", "81"] {
        assert!(lines[1].contains(words), "{}", ended.out);
    }
    assert!(
        lines[2].contains("2.41.1") && lines[2].contains("degraded") && !lines[2].contains("0.0 %"),
        "{}",
        ended.out
    );
}
