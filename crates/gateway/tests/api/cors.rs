//! What browsers are told of calls by pages from elsewhere.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    openapi::{description, operations},
    support::{Call, Platform, Reply},
};

const PORTAL: &str = "https://portal.example";

async fn platform(origins: &str) -> Platform {
    Platform::without_record_but(&[("CORS_ORIGINS", origins)]).await
}

/// What a browser asks before it lets a page of this origin delete a tenant.
fn preflight(origin: &str) -> Call {
    Call::with("OPTIONS", "/tenants/acme")
        .header("origin", origin)
        .header("access-control-request-method", "DELETE")
        .header("access-control-request-headers", "authorization,idempotency-key")
}

/// Every header that is for browsers.
fn told(reply: &Reply) -> Vec<String> {
    let names = reply.headers.keys().map(|name| name.as_str().to_owned());
    let theirs = names.filter(|name| name.starts_with("access-control-"));
    theirs.chain(varies(reply).then(|| "vary".to_owned())).collect()
}

/// Whether caches are told that the answer is for one origin.
fn varies(reply: &Reply) -> bool {
    reply.headers.get_all("vary").iter().any(|by| by == "origin")
}

#[tokio::test]
async fn without_configuration_no_page_from_elsewhere_is_told_anything() {
    let platform = platform("").await;
    let asked = platform.send(preflight(PORTAL)).await;
    asked.assert_problem(405, "method_not_allowed");
    let called = platform.send(Call::get("/openapi.json").header("origin", PORTAL)).await;
    assert_eq!((told(&asked), told(&called)), (vec![], vec![]));
}

#[tokio::test]
async fn a_listed_origin_may_ask_call_and_read_errors_too() {
    let platform = platform("https://portal.example,http://localhost:3000").await;
    for origin in [PORTAL, "http://localhost:3000"] {
        let asked = platform.send(preflight(origin)).await;
        assert_eq!((asked.status.as_u16(), asked.body.len()), (204, 0));
        assert!(!asked.header("x-correlation-id").is_empty(), "it is a request like any other");
        let called = platform.send(Call::get("/openapi.json").header("origin", origin)).await;
        assert_eq!(called.status, 200);
        let refused = platform.send(Call::get("/tenants").header("origin", origin)).await;
        refused.assert_problem(401, "token_missing");
        for reply in [asked, called, refused] {
            assert_eq!(reply.header("access-control-allow-origin"), origin);
            assert!(varies(&reply), "{reply:?}");
            assert_eq!(reply.header("access-control-allow-credentials"), "");
        }
    }
}

#[tokio::test]
async fn no_other_origin_is_told_anything_however_close_it_is() {
    let platform = platform(PORTAL).await;
    let others =
        ["http://portal.example", "https://portal.example.evil.example", "https://PORTAL.example", "null"];
    for origin in others.into_iter().chain(["https://portal.example:443", "https://portal.example/", "*", ""])
    {
        let asked = platform.send(preflight(origin)).await;
        asked.assert_problem(405, "method_not_allowed");
        let called = platform.send(Call::get("/openapi.json").header("origin", origin)).await;
        assert_eq!((told(&asked), told(&called)), (vec!["vary".into()], vec!["vary".into()]), "{origin}");
    }
    let twice = platform.send(preflight(PORTAL).header("origin", "https://evil.example")).await;
    twice.assert_problem(405, "method_not_allowed");
    let no_question = Call::with("OPTIONS", "/tenants").header("origin", PORTAL);
    platform.send(no_question).await.assert_problem(405, "method_not_allowed");
}

/// So that a header that is added to the API is not forgotten here.
#[tokio::test]
async fn pages_may_send_and_read_every_header_that_is_described() {
    let platform = platform(PORTAL).await;
    let asked = platform.send(preflight(PORTAL)).await;
    let listed =
        |name: &str| -> BTreeSet<String> { asked.header(name).split(", ").map(str::to_owned).collect() };
    let description = description();
    let (mut sent, mut read, mut methods) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let headers_of = |parameters: &Value| -> Vec<String> {
        let parameters = parameters.as_array().into_iter().flatten();
        parameters
            .filter(|it| it["in"] == "header")
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (method, path) in operations(&description) {
        let operation = &description["paths"][&path][method.to_lowercase()];
        sent.extend(headers_of(&operation["parameters"]));
        for response in operation["responses"].as_object().unwrap().values() {
            read.extend(response["headers"].as_object().unwrap().keys().cloned());
        }
        methods.insert(method);
    }
    let components = &description["components"];
    sent.extend(headers_of(&components["parameters"].as_object().unwrap().values().cloned().collect()));
    sent.extend(headers_of(&components["securitySchemes"].as_object().unwrap().values().cloned().collect()));
    sent.extend(["authorization", "content-type", "traceparent"].map(str::to_owned));
    assert_eq!(listed("access-control-allow-headers"), sent);
    assert_eq!(listed("access-control-expose-headers"), read);
    assert_eq!(listed("access-control-allow-methods"), methods);
}
