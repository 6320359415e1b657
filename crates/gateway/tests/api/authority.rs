//! Nobody gets past a route's door without the right token, and nobody sees what is not theirs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    openapi::protected_operations,
    support::{Call, Claims, JWT_SECRET, NEXT_SECRET, Platform, Record, tenant},
};

/// Tokens that somebody might try instead of an honest one.
fn forged_tokens() -> Vec<(&'static str, String)> {
    [malformed(), with_a_forged_header(), with_forged_claims()].concat()
}

/// Not three parts under an HMAC of ours.
fn malformed() -> Vec<(&'static str, String)> {
    let admin = Claims::of("admin");
    let honest = admin.sign();
    let parts: Vec<&str> = honest.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let other = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}");
    vec![
        ("nothing", String::new()),
        ("no token at all", "admin".into()),
        ("another secret", admin.clone().secret(&JWT_SECRET.to_uppercase()).sign()),
        ("the key of another name", admin.clone().secret(NEXT_SECRET).sign()),
        ("an empty signature", format!("{header}.{claims}.")),
        ("no signature", format!("{header}.{claims}")),
        ("a cut signature", honest[..honest.len() - 2].to_owned()),
        ("a padded signature", format!("{honest}=")),
        ("a signature spelled differently", respell(&honest)),
        ("five parts", format!("{honest}.{header}.{claims}")),
        ("four parts", format!("{honest}.{signature}")),
        ("a leading dot", format!(".{honest}")),
        ("other claims under this signature", format!("{header}.{other}.{signature}")),
        ("another header under this signature", format!("{other}.{claims}.{signature}")),
        ("more than 8 kB", admin.claim("pad", "x".repeat(8 * 1024)).sign()),
    ]
}

/// Signed by us, under a header that we never write.
fn with_a_forged_header() -> Vec<(&'static str, String)> {
    let admin = Claims::of("admin");
    let claims = admin.claims.to_string();
    let raw = |header: &str| Claims::sign_parts(header, &claims, JWT_SECRET);
    let mut tokens = vec![
        ("an unknown key", admin.clone().header("kid", "nobody").sign()),
        ("a path for a key", admin.clone().header("kid", "../../dev/null").sign()),
        ("a number for a key", admin.clone().header("kid", 1).sign()),
        ("two keys", raw(r#"{"alg":"HS256","kid":"next","kid":"next"}"#)),
        ("two algorithms", raw(r#"{"alg":"HS256","alg":"none"}"#)),
        ("an extension that must be understood", admin.clone().header("crit", json!(["exp"])).sign()),
        ("a null extension", admin.clone().header("crit", Value::Null).sign()),
        ("a header that is no JSON", raw("alg=HS256")),
    ];
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "hs256", "RS256", "ES256"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm }).to_string());
        tokens
            .push(("another algorithm, unsigned", format!("{header}.{}.", URL_SAFE_NO_PAD.encode(&claims))));
        tokens.push(("another algorithm, signed", admin.clone().header("alg", algorithm).sign()));
    }
    tokens
}

/// Signed by us, with claims that we never make.
fn with_forged_claims() -> Vec<(&'static str, String)> {
    let admin = Claims::of("admin");
    let raw = |claims: &str| Claims::sign_parts(&admin.header.to_string(), claims, JWT_SECRET);
    let twice = admin.claims.to_string().replacen('{', r#"{"role":"owner","#, 1);
    let claim = |name: &str, value: Value| admin.clone().claim(name, value).sign();
    let without = |name: &str| admin.clone().without(name).sign();
    vec![
        ("claims that are no JSON", raw("sub=admin")),
        ("claims that are a list", raw("[]")),
        ("a claim twice", raw(&twice)),
        ("no expiry", without("exp")),
        ("a text for expiry", claim("exp", json!(Claims::in_seconds(600).to_string()))),
        ("expired", claim("exp", json!(Claims::in_seconds(-32)))),
        ("expired long ago", claim("exp", json!(0))),
        ("a negative expiry", claim("exp", json!(-1))),
        ("not valid yet", claim("nbf", json!(Claims::in_seconds(300)))),
        ("a text for its beginning", claim("nbf", json!("soon"))),
        ("no audience", without("aud")),
        ("another audience", claim("aud", json!("somewhere-else"))),
        ("several audiences", claim("aud", json!(["rp9-orchestrator"]))),
        ("no role", without("role")),
        ("an unknown role", Claims::of("root").sign()),
        ("several roles", claim("role", json!(["admin"]))),
        ("no subject", without("sub")),
        ("an empty subject", claim("sub", json!(""))),
        ("a subject that breaks lines", claim("sub", json!("a\nb"))),
        ("a subject with a NUL", claim("sub", json!("a\0b"))),
        ("an owner of nobody said what", Claims::of("owner").sign()),
        ("an owner of what is no tenant", Claims::owner(&["acme"]).sign()),
    ]
}

/// The same signature with other trailing bits, which lenient decoders ignore.
fn respell(token: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let index = alphabet.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", alphabet[index ^ 1] as char)
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn no_forged_token_opens_any_route(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let before = Record::count(&database).await;
    let (tokens, routes) = (forged_tokens(), protected_operations());
    assert!(tokens.len() >= 60 && routes.len() >= 7, "{} tokens, {} routes", tokens.len(), routes.len());
    for (method, path) in &routes {
        let target = path.replace("{id}", "acme").replace("{name}", "retention");
        for (name, token) in &tokens {
            let call =
                Call::with(method, &target).header("authorization", format!("Bearer {token}")).signed();
            let reply = platform.send(call).await;
            assert_eq!(reply.status, 401, "{name} at {method} {path}: {}", reply.text());
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
        for authorization in ["", "Basic YWRtaW46YWRtaW4=", "Bearer"] {
            let call = Call::with(method, &target).header("authorization", authorization).signed();
            assert_eq!(platform.send(call).await.status, 401, "{authorization:?} at {method} {path}");
        }
        let twice = Call::with(method, &target).by_a("admin").by_a("admin").signed();
        platform.send(twice).await.assert_problem(401, "token_invalid");
        platform.send(Call::with(method, &target).signed()).await.assert_problem(401, "token_missing");
    }
    platform.stop().await;
    assert_eq!(Record::count(&database).await, before);
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

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_foreign_tenant_is_answered_exactly_as_an_absent_one(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let create = Call::post("/tenants", &tenant("theirs")).by_a("admin").signed();
    let theirs = platform.send(create).await.json();
    let before = Record::count(&database).await.without_audit();
    let me = Claims::owner(&["ten_0198c0de0000700080000000000000aa"]);
    let text = |name: &str| theirs[name].as_str().unwrap().to_owned();
    let (tenant, operation) = (text("tenant_id"), text("operation_id"));
    let absent_tenant = "ten_0198c0de0000700080000000000000bb";
    let absent_operation = "op_0198c0de0000700080000000000000bb";
    for (method, path) in protected_operations().into_iter().filter(|(_, path)| path.contains("{id}")) {
        let pairs = if path.starts_with("/operations") {
            vec![(operation.as_str(), absent_operation), (operation.as_str(), "nonsense")]
        } else {
            vec![(tenant.as_str(), absent_tenant), ("theirs", "nobody"), ("theirs", "No-Name!")]
        };
        for (foreign, absent) in pairs {
            let ask = async |id: &str| {
                let call = Call::with(&method, &path.replace("{id}", id)).by(&me);
                platform.send(call.header("x-correlation-id", "same").signed()).await
            };
            let (foreign, absent) = (ask(foreign).await, ask(absent).await);
            let closed =
                method == "POST" && path.starts_with("/operations") || path.starts_with("/dead-letters");
            assert_eq!(foreign.status, if closed { 403 } else { 404 }, "{method} {path}");
            assert_eq!(foreign.headers, absent.headers, "{method} {path}");
            let anonymous = |reply: crate::support::Reply| {
                let trace_id = reply.json()["trace_id"].as_str().unwrap().to_owned();
                reply.text().replace(&trace_id, "")
            };
            assert_eq!(anonymous(foreign), anonymous(absent), "{method} {path}");
        }
    }
    assert_eq!(Record::count(&database).await.without_audit(), before);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn each_role_may_do_what_is_its_own(database: PgPool) {
    gateway::runner(&database).unwrap().declare().await.unwrap();
    let platform = Platform::on(database).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let acme = platform.send(create).await.json();
    let owner = Claims::owner(&[acme["tenant_id"].as_str().unwrap()]);
    // The bus is away, so a look at the login that may happen ends in 503; an empty body is refused with 422.
    let table = [
        ("POST", "/tenants", [422, 422, 422, 403]),
        ("GET", "/tenants", [200, 200, 200, 200]),
        ("GET", "/tenants/{id}", [200, 200, 200, 200]),
        ("GET", "/tenants/{id}/initial-login", [503, 503, 403, 503]),
        ("GET", "/operations", [200, 200, 200, 200]),
        ("GET", "/operations/{id}", [200, 200, 200, 200]),
        ("POST", "/operations/{id}/resume", [422, 403, 403, 403]),
        ("POST", "/operations/{id}/abandon", [422, 403, 403, 403]),
        ("GET", "/schedules", [200, 200, 200, 403]),
        ("POST", "/schedules/{name}/pause", [422, 422, 403, 403]),
        ("POST", "/schedules/{name}/resume", [200, 200, 403, 403]),
        ("GET", "/audit", [200, 200, 403, 403]),
        ("GET", "/dead-letters", [200, 200, 403, 403]),
        ("GET", "/dead-letters/{id}", [404, 404, 403, 403]),
        ("POST", "/dead-letters/{id}/replay", [404, 404, 403, 403]),
        ("DELETE", "/dead-letters/{id}", [404, 404, 403, 403]),
        // Nobody reads events in this process, so there are none to follow.
        ("GET", "/operations/{id}/events", [503, 503, 503, 503]),
        ("GET", "/events", [503, 503, 503, 503]),
        ("GET", "/ws", [503, 503, 503, 503]),
        ("GET", "/metrics", [200, 200, 200, 403]),
        ("DELETE", "/tenants/{id}", [202, 409, 409, 409]),
        ("POST", "/operations/{id}/cancel", [202, 202, 202, 403]),
    ];
    for (method, path) in protected_operations() {
        assert!(
            table.iter().any(|(m, p, _)| (*m, *p) == (&method, &path)),
            "{method} {path} is not in the table"
        );
    }
    let callers = [Claims::of("admin"), Claims::of("operator"), Claims::of("service"), owner];
    for (method, path, expected) in table {
        let id = if path.starts_with("/operations") { &acme["operation_id"] } else { &acme["tenant_id"] };
        let target = path.replace("{id}", id.as_str().unwrap()).replace("{name}", "retention");
        for (claims, status) in callers.iter().zip(expected) {
            // Without a key the same request by another caller in the same second would be a repeated signature.
            let key = format!("{}:{method}:{path}", claims.claims["role"]);
            let reply = platform.send(Call::with(method, &target).by(claims).key(&key).signed()).await;
            assert_eq!(
                reply.status,
                status,
                "{method} {path} by {}: {}",
                claims.claims["role"],
                reply.text()
            );
        }
    }
    platform.stop().await;
}
