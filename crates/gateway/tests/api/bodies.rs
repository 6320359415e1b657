//! Bodies that do not mean one thing, and free JSON that is kept as it was sent.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    authority::things::Things,
    openapi::protected_operations,
    support::{Call, Platform, Record, tenant},
};

/// A creation whose body is written by hand after the fields that nothing is wrong with.
fn creation(subdomain: &str, rest: &str) -> Call {
    let body = tenant(subdomain).to_string();
    let body = format!("{},{rest}}}", body.trim_end_matches('}'));
    Call::post("/tenants", &Value::Null).body(body).by_a("service").signed()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_field_given_twice_is_refused_by_every_command_and_named(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let things = Things::made(&platform, &database).await;
    let before = Record::count(&database).await.without_refusals();
    let nested = creation("twice", r#""metadata":{"a":[{"b":1,"b":1}]}"#);
    assert_eq!(told(&platform, nested).await, [("/metadata/a/0/b".to_owned(), "given_twice".to_owned())]);
    let plan = creation("twice", r#""plan":"enterprise""#);
    assert_eq!(told(&platform, plan).await, [("/plan".to_owned(), "given_twice".to_owned())]);
    for (method, path) in protected_operations().into_iter().filter(|(method, _)| method == "POST") {
        let body = r#"{"reason":"One.","reason":"Two."}"#;
        let call = Call::with(&method, &things.own_in(&path)).body(body).by_a("admin").signed();
        let reply = platform.send(call).await;
        // Some take no body at all, and say so of the same field.
        let told = reply.field_errors();
        assert!(told.iter().any(|(pointer, _)| pointer == "/reason"), "{method} {path}: {}", reply.text());
    }
    platform.stop().await;
    assert_eq!(Record::count(&database).await.without_refusals(), before);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn numbers_come_back_digit_by_digit_or_are_refused_and_what_is_stored_is_bounded(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let long = creation("long", r#""metadata":{"id":123456789012345678901}"#);
    assert_eq!(told(&platform, long).await, [("/metadata/id".to_owned(), "number_too_large".to_owned())]);
    let many =
        |number: &str, count: usize| format!(r#""metadata":{{"n":[{}]}}"#, vec![number; count].join(","));
    for (number, count) in [("1e308", 400), ("1e-300", 14), ("1", 1_400)] {
        platform.send(creation("many", &many(number, count))).await.assert_problem(422, "invalid_fields");
    }
    for (n, rest) in
        [many("1e-300", 13), many("9007199254740991", 220), many("1", 1_300)].into_iter().enumerate()
    {
        let reply = platform.send(creation(&format!("kept-{n}"), &rest)).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    let kept: Vec<(i32, Value)> =
        sqlx::query_as("select length(metadata::text), metadata from tenants order by subdomain")
            .fetch_all(&database)
            .await
            .unwrap();
    assert!(kept.iter().all(|(length, _)| *length <= 4 * 1024), "{kept:?}");
    assert_eq!(kept[1].1["n"][219], json!(9_007_199_254_740_991_u64));
    platform.stop().await;
}

async fn told(platform: &Platform, call: Call) -> Vec<(String, String)> {
    let reply = platform.send(call).await;
    reply.assert_problem(422, "invalid_fields");
    reply.field_errors()
}
