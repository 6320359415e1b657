//! One key, one effect, one answer.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::effort;

use crate::support::{Call, Claims, Platform, Record, Reply, tenant};

/// Keys whose requests are under way together.
const AT_A_TIME: usize = 4;

const EQUAL: usize = 64;

/// Sends the same request so many times at once, half of them to each gateway, and returns the one answer they all got.
async fn asked_at_once(platform: &Platform, call: Call) -> Reply {
    let replies = (0..EQUAL).map(|n| platform.send_to(n % 2, call.clone()));
    let mut replies = futures::future::join_all(replies).await;
    let answers: BTreeSet<_> =
        replies.iter().map(|reply| (reply.status, reply.text(), reply.header("location"))).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let first: Vec<_> =
        replies.iter().filter(|reply| reply.header("idempotency-replayed").is_empty()).collect();
    assert_eq!(first.len(), 1, "one is the first, and the others are told that they are not");
    replies.swap_remove(0)
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn many_keys_with_64_equal_requests_each_have_one_effect_and_one_answer_each(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let half = effort::times(20, 100);
    let ask = async |key: String, call: Call, status: u16| {
        let reply = asked_at_once(&platform, call.by_a("service").key(&key).signed()).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        reply.json()["tenant_id"].as_str().unwrap().to_owned()
    };
    let creations = (0..half)
        .map(|n| ask(format!("create-{n}"), Call::post("/tenants", &tenant(&format!("tenant-{n}"))), 201));
    let tenants: Vec<_> = stream::iter(creations).buffer_unordered(AT_A_TIME).collect().await;
    let removals =
        tenants.iter().map(|id| ask(format!("remove-{id}"), Call::delete(&format!("/tenants/{id}")), 202));
    stream::iter(removals).buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;

    let record = Record::count(&database).await;
    for (table, rows) in [("tenants", half), ("tenant_limits", half), ("operations", 2 * half)] {
        assert_eq!(record.of(table), rows as i64, "{table}");
    }
    for table in ["idempotency_keys", "request_signatures", "audit_logs"] {
        assert_eq!(record.of(table), 2 * half as i64, "{table}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_with_any_other_body_is_refused_whatever_is_in_it(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let create = |body: &Value| Call::post("/tenants", body).by_a("service").key("k").signed();
    assert_eq!(platform.send(create(&tenant("acme"))).await.status, 201);
    let before = Record::count(&database).await.without_refusals();
    for n in 0..1_000 {
        let mut body = tenant("acme");
        match n % 4 {
            0 => body["name"] = format!("Acme {n}").into(),
            1 => body["subdomain"] = format!("acme-{n}").into(),
            2 => body[format!("field-{n}")] = n.into(),
            _ => body["metadata"] = json!({ "n": n.to_string() }),
        }
        platform.send_to(n % 2, create(&body)).await.assert_problem(422, "idempotency_key_reused");
    }
    assert_eq!(Record::count(&database).await.without_refusals(), before);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_belongs_to_one_request_of_one_subject(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let create = |subdomain: &str| Call::post("/tenants", &tenant(subdomain)).key("k");
    assert_eq!(platform.send(create("acme").by_a("service").signed()).await.status, 201);
    let before = Record::count(&database).await.without_refusals();
    let other_body = platform.send(create("bolt").by_a("service").signed()).await;
    other_body.assert_problem(422, "idempotency_key_reused");
    let wrong_body = platform.send(create("www").by_a("service").signed()).await;
    wrong_body.assert_problem(422, "idempotency_key_reused");
    let other_path = platform.send(Call::delete("/tenants/acme").by_a("service").key("k").signed()).await;
    other_path.assert_problem(422, "idempotency_key_reused");
    let text = tenant("acme").to_string();
    let spaced = Call::post("/tenants", &tenant("acme")).body(text.replace(':', ": ")).key("k");
    let told =
        platform.send(spaced.by_a("service").signed()).await.assert_problem(422, "idempotency_key_reused");
    assert!(told["detail"].as_str().unwrap().contains("byte by byte"), "an honest retry learns why: {told}");
    let gone = platform.send(Call::delete("/tenants/absent").by_a("service").key("k").signed()).await;
    gone.assert_problem(422, "idempotency_key_reused");
    assert_eq!(Record::count(&database).await.without_refusals(), before);

    let somebody_else = Claims::of("service").claim("sub", "service-2");
    assert_eq!(platform.send(create("bolt").by(&somebody_else).signed()).await.status, 201);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_repeat_signed_anew_gets_the_first_answer(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let call = Call::post("/tenants", &tenant("acme")).by_a("service").key("k");
    let first = platform.send(call.clone().signed_at(-10)).await;
    let second = platform.send_to(1, call.signed()).await;
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(Record::count(&database).await.of("request_signatures"), 1, "a replay writes nothing");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_repeat_gets_its_answer_though_it_would_be_refused_today(database: PgPool) {
    let call = Call::post("/tenants", &tenant("acme")).by_a("service").key("k");
    let platform = Platform::on(database.clone()).await;
    let first = platform.send(call.clone().signed_at(-10)).await;
    sqlx::query("update tenants set plan = 'starter'").execute(&database).await.unwrap();
    sqlx::query("delete from plans where name = 'pro'").execute(&database).await.unwrap();
    let later = Platform::on(database.clone()).await;
    let second = later.send(call.clone().signed()).await;
    assert_eq!((first.status, first.body), (second.status, second.body));
    let new = later.send(call.without("idempotency-key").signed()).await;
    new.assert_problem(422, "invalid_fields");
    platform.stop().await;
    later.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_too_old_is_forgotten_and_nothing_else(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    for subdomain in ["old", "new"] {
        let call = Call::post("/tenants", &tenant(subdomain)).by_a("service").key(subdomain);
        assert_eq!(platform.send(call.signed()).await.status, 201);
    }
    gateway::forget(&database, gateway::OPERATIONS_KEPT_DAYS).await.unwrap();
    assert_eq!(Record::count(&database).await.of("idempotency_keys"), 2);
    for statement in [
        "update idempotency_keys set created_at = now() - interval '25 hours' where key = 'old'",
        "update request_signatures set seen_at = now() - interval '12 minutes'",
    ] {
        sqlx::query(statement).execute(&database).await.unwrap();
    }
    gateway::forget(&database, gateway::OPERATIONS_KEPT_DAYS).await.unwrap();
    let record = Record::count(&database).await;
    assert_eq!((record.of("idempotency_keys"), record.of("request_signatures")), (1, 0));
    platform.stop().await;
}
