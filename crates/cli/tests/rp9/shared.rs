//! The n8ns that tenants share: what is asked for, and what is shown of them.

use crate::support::{Gateway, Rp9, Turn};

#[tokio::test]
async fn they_are_listed_with_how_full_they_are() {
    let gateway = Gateway::open().await;
    let listed =
        r#"{"data":[{"id":"ten_1","name":"shared-1","state":"draining","tenants":3,"capacity":500}]}"#;
    gateway.says("GET /shared-instances", [Turn::json(200, listed), Turn::json(200, listed)]);
    let ended = Rp9::at(&gateway, &["shared", "list"]).run().await.expect(0);
    assert!(ended.out.contains("shared-1") && ended.out.contains("3 of 500"), "{ended:?}");
    let ended = Rp9::at(&gateway, &["shared", "list", "--quiet"]).run().await.expect(0);
    assert_eq!(ended.out, "ten_1\n");
}

#[tokio::test]
async fn they_are_made_drained_and_removed() {
    let gateway = Gateway::open().await;
    let accepted = |status| Turn::json(status, r#"{"id":"ten_1","operation_id":"op_1"}"#);
    gateway.says("POST /shared-instances", [accepted(201)]);
    gateway.says(
        "POST /shared-instances/shared-2/drain",
        [Turn::json(200, r#"{"id":"ten_1","draining":true}"#)],
    );
    gateway.says("DELETE /shared-instances/shared-2", [accepted(202)]);
    let create = ["shared", "create", "shared-2", "--capacity", "20", "--no-wait", "--quiet"];
    assert_eq!(Rp9::at(&gateway, &create).run().await.expect(0).out, "op_1\n");
    let ended = Rp9::at(&gateway, &["shared", "drain", "shared-2"]).run().await.expect(0);
    assert_eq!(ended.out, "shared-2 gets no more tenants\n");
    Rp9::at(&gateway, &["shared", "delete", "shared-2", "--no-wait"]).run().await.expect(0);
    let lines: Vec<_> = gateway.seen().into_iter().map(|seen| (seen.line, seen.body)).collect();
    assert_eq!(lines[0].1, r#"{"name":"shared-2","capacity":20}"#);
    assert_eq!(lines.len(), 3);
}
