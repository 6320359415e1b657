//! The description knows every route, and every route is described.

use std::collections::BTreeSet;

use common::config::{Env, Section};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Platform};

/// What may be asked without a token.
const OPEN: [(&str, &str); 6] = [
    ("GET", "/held/{receipt}"),
    ("GET", "/healthz"),
    ("GET", "/health/detailed"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/{file}"),
];

/// The router's own list of routes, before anything is served.
pub fn description() -> Value {
    serde_json::from_str(&gateway::describe()).unwrap()
}

/// Every operation: method and path.
pub fn operations(description: &Value) -> Vec<(String, String)> {
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

/// What the contract has, as far as it is there.
const CONTRACT: &[(&str, &str)] = &[
    ("POST", "/tenants"),
    ("GET", "/tenants"),
    ("GET", "/tenants/{id}"),
    ("PATCH", "/tenants/{id}"),
    ("DELETE", "/tenants/{id}"),
    ("GET", "/tenants/{id}/initial-login"),
    ("GET", "/plans"),
    ("GET", "/operations"),
    ("GET", "/operations/{id}"),
    ("POST", "/operations/{id}/cancel"),
    ("POST", "/operations/{id}/resume"),
    ("POST", "/operations/{id}/abandon"),
    ("GET", "/held/{receipt}"),
    ("POST", "/tenants/{id}/held/replay"),
    ("POST", "/promotions/scan"),
    ("POST", "/held/{receipt}/replay"),
    ("POST", "/upgrades"),
    ("GET", "/upgrades"),
    ("GET", "/upgrades/{id}"),
    ("POST", "/upgrades/{id}/cancel"),
    ("GET", "/schedules"),
    ("POST", "/schedules/{name}/pause"),
    ("POST", "/schedules/{name}/resume"),
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("GET", "/keys/{id}"),
    ("DELETE", "/keys/{id}"),
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
    ("POST", "/tenants/{id}/reset-login"),
    ("GET", "/tenants/{id}/logs"),
    ("GET", "/tenants/{id}/events"),
    ("POST", "/tenants/{id}/restart"),
    ("POST", "/tenants/{id}/custom-domain/verify"),
    ("POST", "/tenants/{id}/suspend"),
    ("POST", "/tenants/{id}/resume"),
    ("POST", "/tenants/{id}/scale"),
    ("POST", "/tenants/{id}/upgrade"),
    ("POST", "/tenants/{id}/blue-green"),
    ("GET", "/tenants/{id}/blue-green/status"),
    ("POST", "/tenants/{id}/promote"),
    ("POST", "/tenants/{id}/rollback"),
    ("GET", "/tenants/{id}/promotions"),
    ("POST", "/tenants/{id}/failover"),
    ("GET", "/tenants/{id}/failovers"),
    ("GET", "/tenants/{id}/usage"),
    ("POST", "/tenants/{id}/restore"),
    ("POST", "/tenants/{id}/restore-drill"),
    ("GET", "/tenants/{id}/restore-drills"),
    ("GET", "/sandboxes"),
    ("DELETE", "/sandboxes/{name}"),
    ("GET", "/metrics/tenant/{id}"),
    ("GET", "/metrics/tenants"),
    ("GET", "/tenants/{id}/held"),
    ("POST", "/tenants/{id}/backup"),
    ("GET", "/tenants/{id}/backups"),
    ("GET", "/backups/{id}"),
    ("GET", "/backups/{id}/contents"),
    ("GET", "/backups/{id}/extract"),
    ("DELETE", "/backups/{id}"),
    ("POST", "/backups/{id}/hold"),
    ("POST", "/backups/{id}/release"),
    ("POST", "/shared-instances"),
    ("GET", "/shared-instances"),
    ("DELETE", "/shared-instances/{id}"),
    ("POST", "/shared-instances/{id}/rebuild"),
    ("POST", "/shared-instances/{id}/drain"),
    ("POST", "/shared-instances/{id}/reopen"),
    ("GET", "/docs"),
    ("GET", "/docs/{file}"),
];

#[test]
fn every_route_of_the_contract_is_described() {
    let described = operations(&description());
    for (method, path) in CONTRACT {
        assert!(described.contains(&((*method).to_owned(), (*path).to_owned())), "{method} {path}");
    }
    assert_eq!(described.len(), CONTRACT.len(), "{described:?}");
}

#[test]
fn the_description_is_complete() {
    let description = description();
    assert_eq!(description["openapi"], "3.1.0");
    for (method, path) in operations(&description) {
        let operation = &description["paths"][&path][method.to_lowercase()];
        assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        // `{}` beside others: it goes without too.
        let needed = |list: &Vec<Value>| !list.is_empty() && list.iter().all(|scheme| *scheme != json!({}));
        let secured = operation["security"].as_array().is_some_and(needed);
        assert_eq!(secured, !OPEN.contains(&(&method, &path)), "{method} {path}");
        let named = path.matches('{').count();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        assert_eq!(parameters.iter().filter(|p| p["in"] == "path").count(), named, "{method} {path}");
    }
    assert_no_reference_leads_nowhere(&description);
}

fn assert_no_reference_leads_nowhere(description: &Value) {
    let text = description.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(description.pointer(pointer).is_some(), "{pointer} is referred to and not there");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_all_it_can_answer() {
    let description = description();
    let mut names = BTreeSet::new();
    for (method, path) in operations(&description) {
        let operation = &description["paths"][&path][method.to_lowercase()];
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        let statuses: Vec<u16> = responses.keys().map(|status| status.parse().unwrap()).collect();
        let expected = match (method.as_str(), OPEN.contains(&(&method, &path))) {
            ("GET", true) => &[431, 500, 503][..],
            ("GET", false) => &[401, 431, 500, 503],
            _ => &[400, 401, 408, 409, 413, 415, 422, 431, 500, 503],
        };
        assert!(expected.iter().all(|status| statuses.contains(status)), "{method} {path}: {statuses:?}");
        // Whoever is known may not be allowed to: a role, or a key without the scope.
        assert_eq!(statuses.contains(&403), statuses.contains(&401), "{method} {path}");
        for (status, response) in responses {
            assert!(response["headers"]["x-correlation-id"].is_object(), "{method} {path} {status}");
            assert_tells(&description, response, status);
        }
        if method == "POST" && operation["requestBody"].is_object() {
            assert!(operation["requestBody"]["content"]["application/json"]["example"].is_object(), "{path}");
        }
    }
}

/// Problems name their codes; everything in JSON comes with an example that has all its fields.
fn assert_tells(description: &Value, response: &Value, status: &str) {
    let content = &response["content"];
    if let Some(examples) = content["application/problem+json"]["examples"].as_object() {
        assert!(!examples.is_empty(), "{response}");
        for (code, example) in examples {
            assert_eq!(example["value"]["type"], format!("urn:rp9:problem:{code}"));
            assert_eq!(example["value"]["status"].to_string(), status);
        }
    } else {
        assert!(status.starts_with(['1', '2']), "{status}: {response}");
    }
    let Some(media) = content["application/json"].as_object() else { return };
    let name = media["schema"]["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
    let schema = name.and_then(|pointer| description.pointer(pointer)).unwrap_or(&media["schema"]);
    for field in schema["required"].as_array().into_iter().flatten() {
        assert!(!media["example"][field.as_str().unwrap()].is_null(), "{field} in {}", media["example"]);
    }
}

/// The one that the client in `deploy/netlify` is generated from.
#[test]
fn the_committed_description_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/netlify/openapi.json");
    let current = format!("{:#}\n", description());
    if Wanted::update() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == current, "deploy/netlify/openapi.json is not up to date: run `just describe`");
}

/// Whether what is committed is to be written anew.
struct Wanted(bool);

impl Section for Wanted {
    fn read(env: &mut Env) -> Option<Self> {
        env.switch("UPDATE_DESCRIPTION", false).map(Self)
    }
}

impl Wanted {
    fn update() -> bool {
        Env::of_process().load::<Self>().unwrap().0
    }
}

/// Generated clients have methods of these names.
#[test]
fn operations_are_called_as_a_clients_methods_would_be() {
    let description = description();
    let name = |method: &str, path: &str| description["paths"][path][method]["operationId"].clone();
    let expected = [
        ("post", "/tenants", "tenants_create"),
        ("get", "/tenants", "tenants_list"),
        ("get", "/tenants/{id}", "tenants_show"),
        ("delete", "/tenants/{id}", "tenants_delete"),
        ("get", "/tenants/{id}/initial-login", "tenants_initial_login"),
        ("post", "/operations/{id}/cancel", "operations_cancel"),
        ("post", "/dead-letters/{id}/replay", "dead_letters_replay"),
        ("get", "/events", "events_follow"),
        ("get", "/ws", "events_follow_by_socket"),
        ("get", "/healthz", "health_check"),
        ("get", "/openapi.json", "docs_describe"),
    ];
    for (method, path, expected) in expected {
        assert_eq!(name(method, path), expected, "{method} {path}");
    }
    for (method, path) in operations(&description) {
        let operation = &description["paths"][&path][method.to_lowercase()];
        let (tag, id) = (operation["tags"][0].as_str().unwrap(), operation["operationId"].as_str().unwrap());
        let verb = id.strip_prefix(&tag.replace(' ', "_")).and_then(|rest| rest.strip_prefix('_'));
        let verb = verb.unwrap_or_else(|| panic!("{id} does not begin with {tag}"));
        assert!(verb.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !verb.is_empty(), "{id}");
    }
}

/// What is one of a closed set of words says which, also in answers.
#[test]
fn closed_sets_of_words_are_told() {
    let description = description();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let words = |schema: &str, field: &str| {
        let field = &schemas[schema]["properties"][field];
        // Beside a description, a reference stands in `allOf`.
        let reference = field["$ref"].as_str().or(field["allOf"][0]["$ref"].as_str());
        let name = reference.unwrap_or_else(|| panic!("{schema}.{field}")).rsplit('/').next().unwrap();
        schemas[name]["enum"].as_array().unwrap_or_else(|| panic!("{name}")).clone()
    };
    let expected = [
        ("Tenant", "status", "suspended"),
        ("Tenant", "mode", "dedicated"),
        ("Created", "status", "provisioning"),
        ("Removal", "status", "deleting"),
        ("TenantDetails", "status", "active"),
        ("Instance", "role", "worker"),
        ("Instance", "color", "green"),
        ("OperationSummary", "status", "rolled_back"),
        ("OperationSummary", "kind", "tenant.heal"),
        ("Failure", "kind", "unavailable"),
        ("Failure", "kind", "cancelled"),
        ("AuditEntry", "role", "owner"),
        ("AuditEntry", "outcome", "refused: invalid_fields"),
        ("AuditEntry", "outcome", "shown"),
        ("DeadLetter", "reason", "exhausted"),
        ("DeadLetter", "state", "replaying"),
        ("Decided", "state", "deleted"),
        ("Firing", "state", "failed"),
        ("Promotion", "status", "rolled_back"),
        ("Schedule", "misses", "catch_up"),
        ("ProblemDocument", "code", "subdomain_taken"),
    ];
    for (schema, field, word) in expected {
        assert!(words(schema, field).contains(&word.into()), "{schema}.{field} has no {word}");
    }
}
