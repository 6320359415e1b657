//! A later release for many tenants: what is asked for, and what is shown of it.

use crate::support::{Gateway, Rp9, Turn};

const ROLLOUT: &str = r#"{"id":"rol_1","status":"stopped","n8n_version":"2.41.1","selection":{"plans":["pro"]},"concurrency":4,"max_failures":1,
    "waves":2,"asked_by":"ada","created_at":"2026-08-01T12:00:00Z","ended_at":"2026-08-01T13:00:00Z","reason":null,
    "tenants":{"waiting":5,"running":0,"succeeded":1,"failed":2,"skipped":1}}"#;

#[tokio::test]
async fn one_is_begun_for_those_who_are_meant() {
    let gateway = Gateway::open().await;
    let accepted = |tenants: u32| {
        let body =
            format!(r#"{{"id":"rol_1","status":"running","n8n_version":"2.41.1","tenants":{tenants}}}"#);
        Turn::json(202, &body)
    };
    gateway.says("POST /upgrades", [accepted(7), accepted(0), accepted(7)]);
    let said = ["upgrades", "start", "2.41.1", "--plan", "pro", "--plan", "starter", "--tenant", "acme"];
    let more = ["--concurrency", "4", "--max-failures", "0", "--reason", "It is new."];
    let ended = Rp9::at(&gateway, &[&said[..], &more[..]].concat()).run().await.expect(0);
    assert_eq!(ended.out, "accepted: rollout rol_1, tenants 7\n");
    assert!(ended.err.contains("rp9 upgrades show rol_1"), "{ended:?}");
    let ended = Rp9::at(&gateway, &["upgrades", "start", "2.41.1"]).run().await.expect(0);
    assert!(ended.out.contains("Nobody who is meant"), "{ended:?}");
    let ended = Rp9::at(&gateway, &["upgrades", "start", "2.41.1", "--quiet"]).run().await.expect(0);
    assert_eq!(ended.out, "rol_1\n");
    let bodies: Vec<_> = gateway.seen().into_iter().map(|seen| seen.body).collect();
    let first = r#"{"n8n_version":"2.41.1","selection":{"tenants":["acme"],"plans":["pro","starter"]},"concurrency":4,"max_failures":0,"reason":"It is new."}"#;
    assert_eq!(
        bodies,
        [first, r#"{"n8n_version":"2.41.1","selection":{}}"#, r#"{"n8n_version":"2.41.1","selection":{}}"#]
    );
    Rp9::at(&gateway, &["upgrades", "start", "2.41.1", "--concurrency", "21"]).run().await.expect(2);
}

#[tokio::test]
async fn how_far_one_is_and_who_failed_is_shown() {
    let gateway = Gateway::open().await;
    let failed = r#"{"tenant_id":"ten_1","subdomain":"acme","status":"failed","wave":2,"operation_id":"op_1","detail":"No room.","ended_at":null}"#;
    gateway.says(
        "GET /upgrades/rol_1",
        [Turn::json(200, format!(r#"{{"data":{ROLLOUT},"to_look_at":[{failed}]}}"#))],
    );
    gateway.says("GET /upgrades", [Turn::json(200, format!(r#"{{"data":[{ROLLOUT}],"next_cursor":null}}"#))]);
    gateway.says("POST /upgrades/rol_1/cancel", [Turn::json(200, r#"{"id":"rol_1","status":"cancelled"}"#)]);
    let ended = Rp9::at(&gateway, &["upgrades", "show", "rol_1"]).run().await.expect(0);
    for words in ["stopped", "1 of 9", "2 of 1 that may", r#"{"plans":["pro"]}"#, "acme", "No room.", "op_1"]
    {
        assert!(ended.out.contains(words), "{words}: {ended:?}");
    }
    let ended = Rp9::at(&gateway, &["upgrades", "list"]).run().await.expect(0);
    assert!(ended.out.contains("rol_1") && ended.out.contains("1 of 9"), "{ended:?}");
    let ended = Rp9::at(&gateway, &["upgrades", "cancel", "rol_1", "--reason", "Too many calls."])
        .run()
        .await
        .expect(0);
    assert_eq!(ended.out, "rol_1 is called off\n");
    assert_eq!(gateway.seen().last().unwrap().body, r#"{"reason":"Too many calls."}"#);
}
