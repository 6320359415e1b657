//! Whatever is refused leaves nothing behind but its entry in the audit log.

use serde_json::Value;
use sqlx::PgPool;

use crate::{
    authority::things::Things,
    openapi::protected_operations,
    support::{Call, Claims, HMAC_SECRET, Platform, Record, tenant},
};

const SECONDS_PAST_LEEWAY: i64 = -32;

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut body = tenant("newcomer");
    body[name] = value.into();
    body
}

fn creation(body: &Value) -> Call {
    Call::post("/tenants", body).by_a("service")
}

/// Everything that can be wrong with a creation: what is wrong, the request, its status, its code and the place.
fn refused_creations() -> Vec<(&'static str, Call, u16, &'static str, Option<&'static str>)> {
    let ok = tenant("newcomer");
    let signed = |body: &Value| creation(body).signed();
    let raw = |body: Vec<u8>| Call::post("/tenants", &Value::Null).body(body).by_a("service").signed();
    let expired = Claims::of("service").claim("exp", Claims::in_seconds(SECONDS_PAST_LEEWAY));
    vec![
        ("taken", signed(&with("subdomain", "taken")), 409, "subdomain_taken", Some("/subdomain")),
        (
            "taken, with a key",
            creation(&with("subdomain", "taken")).key("k").signed(),
            409,
            "subdomain_taken",
            None,
        ),
        ("reserved", signed(&with("subdomain", "www")), 422, "invalid_fields", Some("/subdomain")),
        ("too long", signed(&with("subdomain", "a".repeat(64))), 422, "invalid_fields", Some("/subdomain")),
        ("unknown plan", signed(&with("plan", "gold")), 422, "invalid_fields", Some("/plan")),
        ("a plan with a NUL", signed(&with("plan", "pro\0")), 422, "invalid_fields", Some("/plan")),
        ("unknown field", signed(&with("is_admin", true)), 422, "invalid_fields", Some("/is_admin")),
        ("shared", signed(&with("mode", "shared")), 422, "invalid_fields", Some("/mode")),
        ("no mode", signed(&with("mode", Value::Null)), 422, "invalid_fields", Some("/mode")),
        ("a list", raw(b"[]".to_vec()), 422, "invalid_fields", Some("")),
        ("no JSON", raw(b"name=acme".to_vec()), 400, "invalid_json", None),
        ("a thousand levels", raw("[".repeat(1_000).into_bytes()), 400, "invalid_json", None),
        ("10 MB", raw(vec![b' '; 10 << 20]), 413, "body_too_large", None),
        (
            "text",
            signed(&ok).without("content-type").header("content-type", "text/plain"),
            415,
            "unsupported_media_type",
            None,
        ),
        ("two keys", signed(&ok).key("a").key("b"), 400, "invalid_request", None),
        ("unsigned", creation(&ok), 401, "signature_missing", None),
        (
            "another body",
            signed(&ok).body(with("plan", "starter").to_string()),
            401,
            "signature_invalid",
            None,
        ),
        (
            "another secret",
            creation(&ok).signed_unbound(&HMAC_SECRET.to_uppercase(), 0),
            401,
            "signature_invalid",
            None,
        ),
        ("an old signature", creation(&ok).signed_at(-305), 401, "signature_expired", None),
        ("no token", Call::post("/tenants", &ok).signed(), 401, "token_missing", None),
        ("expired token", Call::post("/tenants", &ok).by(&expired).signed(), 401, "token_expired", None),
        ("an owner", Call::post("/tenants", &ok).by(&Claims::owner(&[])).signed(), 403, "forbidden", None),
    ]
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_refused_creation_leaves_no_row_behind(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let mut taken = tenant("taken");
    taken["name"] = "The first".into();
    let first = creation(&taken).signed();
    assert_eq!(platform.send(first.clone()).await.status, 201);
    let before = Record::count(&database).await.without_refusals();

    platform.send(first).await.assert_problem(401, "signature_repeated");
    let cases = refused_creations();
    for (name, call, status, code, pointer) in cases {
        let reply = platform.send(call).await;
        println!("{name}: {}", reply.text());
        reply.assert_problem(status, code);
        if let Some(pointer) = pointer {
            assert_eq!(
                reply.field_errors().iter().map(|(p, _)| p.as_str()).collect::<Vec<_>>(),
                [pointer],
                "{name}"
            );
        }
        assert_eq!(Record::count(&database).await.without_refusals(), before, "{name}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_body_of_a_thousand_levels_is_no_json_to_any_command(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let things = Things::made(&platform, &database).await;
    let before = Record::count(&database).await.without_refusals();
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(1_000), close.repeat(1_000));
    let deep = format!("{{\"metadata\":{}}}", nested("{\"a\":", "}").replacen("}", "1}", 1));
    let bodies = [nested("[", "]"), deep, "[".repeat(60_000)];
    let commands = protected_operations().into_iter().filter(|(method, _)| method != "GET");
    for (method, path) in commands {
        let target = things.own_in(&path);
        for body in &bodies {
            let call = Call::with(&method, &target).body(body.as_str()).by_a("admin").signed();
            platform.send(call).await.assert_problem(400, "invalid_json");
        }
    }
    platform.stop().await;
    assert_eq!(Record::count(&database).await.without_refusals(), before);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_plans_that_are_there_are_told_to_whoever_misses_one(database: PgPool) {
    let platform = Platform::on(database).await;
    let problem = platform.send(creation(&with("plan", "gold")).signed()).await.json();
    assert_eq!(problem["errors"][0]["detail"], "must be one of: starter, pro, enterprise");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn every_refusal_of_a_known_caller_is_audited(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let known = refused_creations();
    let mut expected = Vec::new();
    for (_, call, status, code, _) in known {
        platform.send(call).await;
        // Nobody is taken already, so those are accepted; without a valid token nobody is known.
        let accepted = status == 409;
        if !code.starts_with("token_") && !accepted {
            expected.push(format!("refused: {code}"));
        }
    }
    platform.stop().await;
    let mut audited: Vec<String> = sqlx::query_scalar(
        "select outcome from audit_logs where outcome <> 'accepted' and action = 'tenant.create' and actor like '%-1'",
    )
    .fetch_all(&database)
    .await
    .unwrap();
    // Of the two that ask for the same subdomain, the second is refused after all.
    expected.push("refused: subdomain_taken".into());
    expected.sort();
    audited.sort();
    assert_eq!(audited, expected);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_the_router_refuses_is_a_problem_too(database: PgPool) {
    let platform = Platform::on(database).await;
    platform.send(Call::get("/nowhere").by_a("admin")).await.assert_problem(404, "not_found");
    let wrong = platform.send(Call::with("PATCH", "/tenants").by_a("admin")).await;
    wrong.assert_problem(405, "method_not_allowed");
    assert!(wrong.header("allow").contains("POST"), "{wrong:?}");
    platform.send(Call::get("/tenants/%ff").by_a("admin")).await.assert_problem(404, "not_found");
    platform.send(Call::get("/operations/%ff").by_a("admin")).await.assert_problem(404, "not_found");
    platform.stop().await;
}
