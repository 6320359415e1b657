//! What a key is limited to holds on every route.

use super::*;
use crate::{authority::things::Things, openapi::protected_operations};

const ALL: [&str; 14] = [
    "tenants:read",
    "tenants:write",
    "tenants:secrets",
    "operations:read",
    "operations:write",
    "events:read",
    "schedules:read",
    "schedules:write",
    "dead_letters:read",
    "dead_letters:write",
    "audit:read",
    "health:read",
    "keys:read",
    "keys:write",
];

/// The scope that a route takes, by the contract.
fn scope_of(method: &str, path: &str) -> String {
    let family = match path.split('/').nth(1).unwrap() {
        "plans" | "sandboxes" | "backups" | "shared-instances" | "upgrades" | "held" => "tenants",
        "ws" => "events",
        "dead-letters" => "dead_letters",
        "metrics" => "health",
        family => family,
    };
    if path == "/promotions/scan" {
        return "tenants:read".to_owned();
    }
    let secret = ["/initial-login", "/logs", "/extract"].iter().any(|end| path.ends_with(end));
    let verb = if method != "GET" {
        "write"
    } else if secret {
        "secrets"
    } else {
        "read"
    };
    format!("{family}:{verb}")
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn each_route_takes_its_scope_and_no_other_will_do(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let things = Things::made(&platform, &database).await;
    let with = async |scopes: Vec<&str>| {
        make(&platform, asking(&json!({ "name": "x", "role": "admin", "scopes": scopes }), "admin")).await
    };
    let mut keys = Vec::new();
    for scope in ALL {
        let others: Vec<_> = ALL.into_iter().filter(|other| *other != scope).collect();
        keys.push((scope, with(vec![scope]).await, with(others).await));
    }
    for (method, path) in protected_operations() {
        let scope = scope_of(&method, &path);
        let (_, alone, without) =
            keys.iter().find(|(known, ..)| *known == scope).unwrap_or_else(|| panic!("{scope}"));
        let target = things.own_in(&path);
        let call = |key: &Key| {
            let call = Call::with(&method, &target);
            let call = if method == "GET" { call } else { call.body(r#"{"unasked":true}"#) };
            call.by_key(&key.text)
        };
        let refused = platform.send(call(without)).await;
        let told = refused.assert_problem(403, "forbidden");
        assert!(told["detail"].as_str().unwrap().contains(&format!("`{scope}`")), "{method} {path}: {told}");
        let let_in = platform.send(call(alone)).await.status.as_u16();
        assert!(![401, 403, 404].contains(&let_in), "{method} {path} with {scope}: {let_in}");
    }
    platform.stop().await;
}
