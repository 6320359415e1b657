//! A change is sent until it is certain, under one key, and done once.

use crate::support::{Gateway, Rp9, Turn, operation};

const ACCEPTED: &str = r#"{"tenant_id":"ten_1","login_url":"http://acme.localhost","loginUrl":"http://acme.localhost","status":"provisioning","operation_id":"op_1"}"#;
const CREATE: &[&str] = &["tenants", "create", "acme", "--email", "a@b.co", "--plan", "pro", "--no-wait"];

fn quick(arguments: &[&'static str]) -> Vec<&'static str> {
    [arguments, &["--patience", "20"]].concat()
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_key_and_bytes() {
    let gateway = Gateway::open().await;
    gateway
        .says("POST /tenants", [Turn::HangUp, Turn::problem(503, "overloaded"), Turn::json(201, ACCEPTED)]);
    let ended = Rp9::at(&gateway, &quick(CREATE)).run().await.expect(0);
    assert_eq!(ended.out, "accepted: tenant ten_1, operation op_1\n");
    assert!(ended.err.contains("rp9 operations watch op_1"), "{ended:?}");
    let seen = gateway.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen[0].key.is_some());
    assert!(seen.iter().all(|again| again.key == seen[0].key && again.body == seen[0].body), "{seen:#?}");
    assert_eq!(seen[0].body, r#"{"email":"a@b.co","name":"acme","plan":"pro","subdomain":"acme"}"#);
}

#[tokio::test]
async fn what_is_in_flight_and_what_is_throttled_is_waited_for() {
    let gateway = Gateway::open().await;
    let throttled = Turn::problem(429, "throttled").header("retry-after", "1");
    let replayed = Turn::json(201, ACCEPTED).header("idempotency-replayed", "true");
    gateway.says("POST /tenants", [throttled, Turn::problem(409, "request_in_flight"), replayed]);
    let began = std::time::Instant::now();
    let ended = Rp9::at(&gateway, &quick(CREATE)).run().await.expect(0);
    assert!(began.elapsed().as_secs_f64() >= 1.0, "Retry-After counts");
    assert!(ended.err.contains("throttled") && ended.err.contains("accepted before"), "{ended:?}");
}

#[tokio::test]
async fn whoever_is_asked_to_come_back_too_late_is_told_so_at_once() {
    let gateway = Gateway::open().await;
    gateway.says("POST /tenants", [Turn::problem(503, "overloaded").header("retry-after", "3600")]);
    let ended = Rp9::at(&gateway, &quick(CREATE)).run().await.expect(4);
    let key = gateway.seen()[0].key.clone().unwrap();
    assert!(ended.err.contains("It is overloaded. (503 overloaded)"), "{ended:?}");
    assert!(ended.err.contains(&format!("--idempotency-key {key}")), "{ended:?}");
    assert_eq!(gateway.seen().len(), 1);
}

#[tokio::test]
async fn a_repeat_by_hand_has_the_key_it_is_given() {
    let gateway = Gateway::open().await;
    gateway.says("POST /tenants", [Turn::json(201, ACCEPTED)]);
    let again = [CREATE, &["--idempotency-key", "order-1", "--verbose"]].concat();
    let ended = Rp9::at(&gateway, &again).run().await.expect(0);
    assert_eq!(gateway.seen()[0].key.as_deref(), Some("order-1"));
    assert!(ended.err.contains("idempotency key: order-1"), "{ended:?}");
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address_and_nothing_was_accepted() {
    let gateway = Gateway::open().await;
    let arguments = [CREATE, &["--patience", "0"]].concat();
    let rp9 = Rp9::at(&gateway, &arguments);
    let url = gateway.url();
    drop(gateway);
    let ended = rp9.run().await.expect(4);
    assert!(ended.err.contains(&format!("{url} does not answer")), "{ended:?}");
    assert!(!ended.err.contains("--idempotency-key"), "{ended:?}");
}

#[tokio::test]
async fn a_read_is_repeated_too_and_needs_no_key() {
    let gateway = Gateway::open().await;
    gateway.says("GET /operations/op_1", [Turn::HangUp, Turn::json(200, operation("running", 1))]);
    let ended = Rp9::at(&gateway, &["operations", "show", "op_1"]).run().await.expect(0);
    assert!(ended.out.contains("tenant.create") && ended.out.contains("reserve"), "{ended:?}");
    assert!(gateway.seen().iter().all(|seen| seen.key.is_none()));
}

#[tokio::test]
async fn a_tenant_may_be_created_on_a_release_of_its_own() {
    let gateway = Gateway::open().await;
    gateway.says("POST /tenants", [Turn::json(201, ACCEPTED)]);
    let chosen = ["--mode", "dedicated", "--n8n-version", "2.40.7"];
    Rp9::at(&gateway, &[CREATE, &chosen].concat()).run().await.expect(0);
    let body: serde_json::Value = serde_json::from_str(&gateway.seen()[0].body).unwrap();
    assert_eq!((&body["mode"], &body["n8n_version"]), (&"dedicated".into(), &"2.40.7".into()));
    Rp9::at(&gateway, CREATE).run().await.expect(0);
    assert!(!gateway.seen()[1].body.contains("n8n_version"), "it is for the platform to choose");
}

#[tokio::test]
async fn a_promotion_whose_answer_is_lost_is_asked_for_again_under_the_same_key() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"promotion_id":"pro_1","operation_id":"op_1","already":false}"#;
    let replayed = Turn::json(202, accepted).header("idempotency-replayed", "true");
    gateway.says("POST /tenants/acme/promote", [Turn::HangUp, replayed]);
    let words = ["tenants", "promote", "acme", "--ttl-minutes", "60", "--no-wait"];
    let ended = Rp9::at(&gateway, &quick(&words)).run().await.expect(0);
    assert_eq!(ended.out, "accepted: promotion pro_1, operation op_1\n");
    assert!(ended.err.contains("accepted before"), "{ended:?}");
    let seen = gateway.seen();
    assert!(seen.len() == 2 && seen[0].key.is_some() && seen[0].key == seen[1].key, "{seen:#?}");
    assert!(seen.iter().all(|asked| asked.body == r#"{"ttl_minutes":60}"#), "{seen:#?}");
}

#[tokio::test]
async fn a_rollback_names_the_promotion_and_says_why() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"tenant_id":"ten_1","operation_id":"op_1","status":"migrating","already":false}"#;
    gateway.says("POST /tenants/acme/rollback", [Turn::json(202, accepted)]);
    let words = ["tenants", "rollback", "acme", "pro_1", "--reason", "It is slower.", "--no-wait"];
    Rp9::at(&gateway, &quick(&words)).run().await.expect(0);
    let body: serde_json::Value = serde_json::from_str(&gateway.seen()[0].body).unwrap();
    assert_eq!(body, serde_json::json!({ "promotion_id": "pro_1", "reason": "It is slower." }));
}

#[tokio::test]
async fn a_failover_says_where_to_and_why() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"tenant_id":"ten_1","operation_id":"op_1","status":"migrating","already":false}"#;
    gateway.says("POST /tenants/acme/failover", [Turn::json(202, accepted), Turn::json(202, accepted)]);
    let words = ["tenants", "failover", "acme", "--reason", "It is lost.", "--no-wait"];
    Rp9::at(&gateway, &quick(&words)).run().await.expect(0);
    Rp9::at(&gateway, &quick(&[&words[..], &["--backup", "bak_1"]].concat())).run().await.expect(0);
    let said =
        |number: usize| serde_json::from_str::<serde_json::Value>(&gateway.seen()[number].body).unwrap();
    assert_eq!(said(0), serde_json::json!({ "target": "shared", "reason": "It is lost." }));
    assert_eq!(said(1)["backup_id"], "bak_1");
}
