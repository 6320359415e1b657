//! Nobody gets past a route's door without the right token, and nobody sees what is not theirs.

mod forged;
mod roles;
pub mod things;

use sqlx::PgPool;

use self::{forged::forged_tokens, things::Things};
use crate::{
    openapi::protected_operations,
    support::{Call, Claims, NEXT_SECRET, Platform, Record},
};

/// Where a route is asked with a token that is none of ours: at something that is there, by every way a token can come.
fn attacks(things: &Things, method: &str, path: &str) -> (String, Vec<Call>) {
    let target = things.own_in(path);
    let call = |name: &str, value: String| Call::with(method, &target).header(name, value).signed();
    let mut calls: Vec<Call> = Vec::new();
    for (_, token) in forged_tokens() {
        calls.push(call("authorization", format!("Bearer {token}")));
        if path == "/ws" {
            calls.push(call("sec-websocket-protocol", format!("bearer, {token}")));
        }
    }
    let others = ["", "Basic YWRtaW46YWRtaW4=", "Bearer", "Token abc"];
    calls.extend(others.map(|value| call("authorization", value.into())));
    calls.push(Call::with(method, &target).by_a("admin").by_a("admin").signed());
    calls.push(Call::with(method, &target).signed());
    (target, calls)
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn no_forged_token_opens_any_route(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let things = Things::made(&platform, &database).await;
    let before = Record::count(&database).await;
    assert!(forged_tokens().len() >= 60, "{}", forged_tokens().len());
    let mut tried = 0;
    for (method, path) in protected_operations() {
        let (target, calls) = attacks(&things, &method, &path);
        for call in calls {
            let shown = format!("{method} {target}: {call:?}");
            let reply = platform.send(call).await;
            assert_eq!(reply.status, 401, "{shown}: {}", reply.text());
            assert_eq!(reply.header("www-authenticate"), "Bearer");
            // Refused for its token, which is looked at before anything else: no handler was reached.
            assert!(
                reply.json()["code"].as_str().unwrap().starts_with("token_"),
                "{shown}: {}",
                reply.text()
            );
            tried += 1;
        }
    }
    println!("{tried} requests were refused");
    platform.stop().await;
    // Not even the audit log grew: nobody was known.
    assert_eq!(Record::count(&database).await, before);
}

#[tokio::test]
async fn a_token_for_longer_than_any_may_be_is_refused_and_told_so() {
    let last = |seconds: i64| Claims::of("admin").claim("exp", Claims::in_seconds(seconds));
    let platform = Platform::without_record_but(&[("JWT_MAX_DAYS", "30")]).await;
    let refused = [
        (Claims::of("admin").claim("exp", Claims::in_seconds(0) * 1_000), "not milliseconds"),
        (last(31 * 86_400), "30 at most"),
    ];
    for (claims, expected) in refused {
        let told =
            platform.send(Call::get("/tenants").by(&claims)).await.assert_problem(401, "token_invalid");
        assert!(told["detail"].as_str().unwrap().contains(expected), "{told}");
    }
    // It gets as far as to the record, which is away.
    platform.send(Call::get("/tenants").by(&last(29 * 86_400))).await.assert_problem(503, "unavailable");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn honest_tokens_open_the_door(database: PgPool) {
    let platform = Platform::on(database).await;
    let admin = Claims::of("admin");
    let honest = [
        ("plain", admin.clone()),
        ("within the leeway", admin.clone().claim("exp", Claims::in_seconds(-25))),
        ("valid in a moment", admin.clone().claim("nbf", Claims::in_seconds(25))),
        ("by a named key", admin.clone().header("kid", "next").secret(NEXT_SECRET)),
        ("with claims of no concern", admin.claim("iss", "portal").claim("jti", "1")),
    ];
    for (name, claims) in honest {
        assert_eq!(platform.send(Call::get("/tenants").by(&claims)).await.status, 200, "{name}");
    }
    platform.stop().await;
}
