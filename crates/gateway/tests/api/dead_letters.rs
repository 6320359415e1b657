//! Looking at what could not be handled, sending it again, and deleting it.

use common::{
    dead_letters::DeadLetter,
    id::{OperationId, TenantId},
};
use futures::StreamExt;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Call, Platform, Record, Reply, eventually, garbled, keep, nats_url};

/// Keeps a dead letter that came under a subject of its own, twice, and tells its id.
async fn kept(database: &PgPool, subject: &str) -> String {
    let letter = DeadLetter {
        headers: json!({ "rp9-correlation-id": "order-42", "Nats-Msg-Id": "before" }),
        payload: b"\xff\x00garbled".to_vec(),
        tenant: Some(TenantId::generate()),
        operation: Some(OperationId::generate()),
        ..garbled(subject)
    };
    let (first, again) = (keep(database, &letter).await, keep(database, &letter).await);
    assert_eq!(first, again);
    first.to_string()
}

async fn show(platform: &Platform, id: &str) -> Reply {
    platform.send(Call::get(&format!("/dead-letters/{id}")).by_a("operator")).await
}

async fn decide(platform: &Platform, method: &str, target: &str, key: &str) -> Reply {
    platform.send(Call::with(method, target).by_a("operator").key(key).signed()).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_letter_is_kept_once_shown_whole_and_found_by_what_it_is(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (first, second) = (kept(&database, "rp9.test.a").await, kept(&database, "rp9.test.b").await);
    let shown = show(&platform, &first).await.json()["data"].clone();
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("waiting"), &json!("malformed")));
    assert_eq!(shown["payload_base64"], "/wBnYXJibGVk");
    assert_eq!(shown["headers"]["rp9-correlation-id"], "order-42");
    let ids = async |query: &str| {
        let call = Call::get(&format!("/dead-letters?{query}")).by_a("admin");
        let page = platform.send(call).await.json();
        let ids = page["data"].as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(ids("service=provisioner&state=waiting").await.0, [second.clone(), first.clone()]);
    assert_eq!(ids("reason=expired").await.0, Vec::<String>::new());
    let (newest, cursor) = ids("limit=1").await;
    assert_eq!(newest, [second]);
    assert_eq!(ids(&format!("limit=1&cursor={}", cursor.unwrap())).await, (vec![first], None));
    let nul = platform.send(Call::get("/dead-letters?service=a%00b").by_a("admin")).await;
    nul.assert_problem(422, "invalid_fields");
    platform.send(Call::get("/dead-letters").by_a("service")).await.assert_problem(403, "forbidden");
    show(&platform, "dl_0198c0de0000700080000000000000bb").await.assert_problem(404, "not_found");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_deleted_letter_is_gone_and_the_audit_log_says_who_did_it(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = kept(&database, "rp9.test.a").await;
    let target = format!("/dead-letters/{id}");
    let with_a_field = Call::delete(&target).by_a("admin").body(r#"{"force": true}"#).signed();
    platform.send(with_a_field).await.assert_problem(422, "invalid_fields");
    let deleted = decide(&platform, "DELETE", &target, "k").await;
    assert_eq!((deleted.status.as_u16(), &deleted.json()["state"]), (200, &json!("deleted")));
    let again = decide(&platform, "DELETE", &target, "k").await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &deleted.body));
    decide(&platform, "DELETE", &target, "other").await.assert_problem(404, "not_found");
    assert_eq!(Record::count(&database).await.of("dead_letters"), 0);
    let reason: String = sqlx::query_scalar(
        "select reason from audit_logs where action = 'dead_letter.delete' and outcome = 'accepted'",
    )
    .fetch_one(&database)
    .await
    .unwrap();
    assert_eq!(reason, format!("{id}, rp9.test.a"));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_letter_that_is_replayed_arrives_where_it_was_sent_once(database: PgPool) {
    // A subject in a stream, that nobody takes from.
    let subject = format!("rp9.evt.v1.test.{}.none", TenantId::generate().digits());
    let listener = async_nats::connect(nats_url()).await.unwrap();
    let mut arriving = listener.subscribe(subject.clone()).await.unwrap();
    listener.flush().await.unwrap();
    let platform = Platform::with_bus(database.clone()).await;
    platform.bus.ensure_stream(&wire::EVENTS).await.unwrap();
    let id = kept(&database, &subject).await;
    // Before any gateway sends anything again, two operators decide the same.
    let target = format!("/dead-letters/{id}/replay");
    let replayed = decide(&platform, "POST", &target, "k").await;
    assert_eq!(replayed.status, 202, "{}", replayed.text());
    assert_eq!(replayed.header("location"), format!("/dead-letters/{id}"));
    decide(&platform, "POST", &target, "other").await.assert_problem(409, "dead_letter_decided");
    decide(&platform, "DELETE", &format!("/dead-letters/{id}"), "d")
        .await
        .assert_problem(409, "dead_letter_decided");
    platform.start_replays();
    let message = arriving.next().await.unwrap();
    assert_eq!(message.payload.as_ref(), b"\xff\x00garbled");
    let headers = message.headers.unwrap();
    assert_eq!(headers.get("rp9-correlation-id").unwrap().as_str(), "order-42");
    assert_eq!(headers.get("Nats-Msg-Id").unwrap().as_str(), format!("{id}.replay"));
    eventually(async || show(&platform, &id).await.json()["data"]["state"] == "replayed").await;
    decide(&platform, "DELETE", &format!("/dead-letters/{id}"), "later")
        .await
        .assert_problem(409, "dead_letter_decided");
    let told: Vec<String> = sqlx::query_scalar("select kind from event_outbox union select kind from events")
        .fetch_all(&database)
        .await
        .unwrap();
    assert!(told.contains(&"dead_letter.replayed".to_owned()), "{told:?}");
    platform.stop().await;
}
