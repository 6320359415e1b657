//! The description knows every route, and every route is described.

use serde_json::Value;
use sqlx::PgPool;

use crate::support::{Call, Platform};

/// What may be asked without a token.
const OPEN: [(&str, &str); 3] = [("GET", "/healthz"), ("GET", "/health/detailed"), ("GET", "/openapi.json")];

/// The router's own list of routes, before anything is served.
fn description() -> Value {
    serde_json::from_str(&gateway::describe()).unwrap()
}

/// Every operation: method and path.
fn operations(description: &Value) -> Vec<(String, String)> {
    let paths = description["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
    });
    methods.collect()
}

/// Every operation that is not on the list of open ones.
pub fn protected_operations() -> Vec<(String, String)> {
    let open = |method: &str, path: &str| OPEN.contains(&(method, path));
    operations(&description()).into_iter().filter(|(method, path)| !open(method, path)).collect()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_description_is_the_one_that_is_served(database: PgPool) {
    let platform = Platform::on(database).await;
    let served = platform.send(Call::get("/openapi.json")).await;
    assert_eq!((served.status.as_u16(), served.header("content-type")), (200, "application/json"));
    assert_eq!(served.json(), description());
    platform.stop().await;
}

#[test]
fn every_route_of_the_contract_is_described() {
    let described = operations(&description());
    let contract = [
        ("POST", "/tenants"),
        ("GET", "/tenants"),
        ("GET", "/tenants/{id}"),
        ("DELETE", "/tenants/{id}"),
        ("GET", "/tenants/{id}/initial-login"),
        ("GET", "/operations"),
        ("GET", "/operations/{id}"),
        ("POST", "/operations/{id}/cancel"),
        ("POST", "/operations/{id}/resume"),
        ("POST", "/operations/{id}/abandon"),
        ("GET", "/schedules"),
        ("POST", "/schedules/{name}/pause"),
        ("POST", "/schedules/{name}/resume"),
        ("GET", "/audit"),
        ("GET", "/dead-letters"),
        ("GET", "/dead-letters/{id}"),
        ("POST", "/dead-letters/{id}/replay"),
        ("DELETE", "/dead-letters/{id}"),
        ("GET", "/operations/{id}/events"),
        ("GET", "/events"),
        ("GET", "/ws"),
        ("GET", "/healthz"),
        ("GET", "/health/detailed"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
    ];
    for (method, path) in contract {
        assert!(described.contains(&(method.to_owned(), path.to_owned())), "{method} {path}");
    }
    assert_eq!(described.len(), contract.len(), "{described:?}");
}

#[test]
fn the_description_is_complete() {
    let description = description();
    assert_eq!(description["openapi"], "3.1.0");
    for (method, path) in operations(&description) {
        let operation = &description["paths"][&path][method.to_lowercase()];
        assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        let secured = operation["security"].as_array().is_some_and(|list| !list.is_empty());
        assert_eq!(secured, !OPEN.contains(&(&method, &path)), "{method} {path}");
        let named = path.matches('{').count();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        assert_eq!(parameters.iter().filter(|p| p["in"] == "path").count(), named, "{method} {path}");
    }
    let text = description.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            description["components"]["schemas"][name].is_object(),
            "{name} is referred to and not there"
        );
    }
}
