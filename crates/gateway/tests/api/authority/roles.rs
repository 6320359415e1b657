//! Who may do what: every operation of the served description, asked for by everybody, on what is theirs, on what is somebody
//! else's, and on what is not there.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::PgPool;

use super::things::{Named, Things, Whose, filled};
use crate::{
    openapi::operations,
    support::{Call, Claims, Platform, Record, Reply},
};

const ALL: &[&str] = &["admin", "operator", "service", "owner"];
const STAFF: &[&str] = &["admin", "operator", "service"];
const OPERATORS: &[&str] = &["admin", "operator"];
const ADMINS: &[&str] = &["admin"];
/// Nobody has to prove anything.
const ANYBODY: &[&str] = &["nobody", "admin", "operator", "service", "owner"];

/// Method, path, who may, and what those are answered. Commands come with a field that nobody asks for: who may give them is told so
/// (422), and nothing is done. The bus is away and events are not read in this process: what needs them is 503.
const TABLE: [(&str, &str, &[&str], u16); 80] = [
    ("POST", "/tenants", STAFF, 422),
    ("GET", "/tenants", ALL, 200),
    ("GET", "/tenants/{id}", ALL, 200),
    ("PATCH", "/tenants/{id}", ALL, 422),
    ("DELETE", "/tenants/{id}", ALL, 422),
    ("GET", "/tenants/{id}/initial-login", ALL, 503),
    ("POST", "/tenants/{id}/reset-login", ALL, 422),
    ("GET", "/plans", ALL, 200),
    ("GET", "/tenants/{id}/logs", ALL, 503),
    ("GET", "/tenants/{id}/events", ALL, 200),
    ("GET", "/tenants/{id}/usage", ALL, 200),
    ("GET", "/tenants/{id}/held", ALL, 200),
    ("GET", "/metrics/tenant/{id}", ALL, 200),
    ("GET", "/metrics/tenants", STAFF, 200),
    ("POST", "/tenants/{id}/restart", ALL, 422),
    ("POST", "/tenants/{id}/custom-domain/verify", ALL, 422),
    ("POST", "/tenants/{id}/suspend", STAFF, 422),
    ("POST", "/tenants/{id}/resume", STAFF, 422),
    ("POST", "/tenants/{id}/scale", STAFF, 422),
    ("POST", "/tenants/{id}/upgrade", ALL, 422),
    ("POST", "/tenants/{id}/blue-green", STAFF, 422),
    ("GET", "/tenants/{id}/blue-green/status", ALL, 200),
    ("POST", "/tenants/{id}/promote", STAFF, 422),
    ("GET", "/tenants/{id}/promotions", ALL, 200),
    ("POST", "/tenants/{id}/rollback", STAFF, 422),
    ("POST", "/tenants/{id}/failover", STAFF, 422),
    ("GET", "/tenants/{id}/failovers", ALL, 200),
    ("POST", "/tenants/{id}/backup", ALL, 422),
    ("GET", "/tenants/{id}/backups", ALL, 200),
    ("GET", "/backups/{id}", ALL, 200),
    ("GET", "/backups/{id}/contents", ALL, 503),
    ("GET", "/backups/{id}/extract", ALL, 422),
    ("DELETE", "/backups/{id}", OPERATORS, 422),
    ("POST", "/backups/{id}/hold", OPERATORS, 422),
    ("POST", "/backups/{id}/release", OPERATORS, 422),
    ("POST", "/tenants/{id}/restore", ALL, 422),
    ("POST", "/tenants/{id}/restore-drill", ALL, 422),
    ("GET", "/tenants/{id}/restore-drills", ALL, 200),
    ("GET", "/sandboxes", ALL, 200),
    ("DELETE", "/sandboxes/{name}", ALL, 422),
    ("POST", "/shared-instances", ADMINS, 422),
    ("GET", "/shared-instances", OPERATORS, 200),
    ("DELETE", "/shared-instances/{id}", ADMINS, 422),
    ("POST", "/shared-instances/{id}/rebuild", ADMINS, 422),
    ("POST", "/shared-instances/{id}/drain", OPERATORS, 422),
    ("POST", "/shared-instances/{id}/reopen", OPERATORS, 422),
    ("POST", "/tenants/{id}/held/replay", ALL, 422),
    ("POST", "/promotions/scan", STAFF, 422),
    ("GET", "/held/{receipt}", ANYBODY, 200),
    ("POST", "/held/{receipt}/replay", ALL, 422),
    ("POST", "/upgrades", OPERATORS, 422),
    ("GET", "/upgrades", OPERATORS, 200),
    ("GET", "/upgrades/{id}", OPERATORS, 200),
    ("POST", "/upgrades/{id}/cancel", OPERATORS, 422),
    ("GET", "/operations", ALL, 200),
    ("GET", "/operations/{id}", ALL, 200),
    ("GET", "/operations/{id}/events", ALL, 503),
    ("POST", "/operations/{id}/cancel", STAFF, 422),
    ("POST", "/operations/{id}/resume", ADMINS, 422),
    ("POST", "/operations/{id}/abandon", ADMINS, 422),
    ("GET", "/schedules", STAFF, 200),
    ("POST", "/schedules/{name}/pause", OPERATORS, 422),
    ("POST", "/schedules/{name}/resume", OPERATORS, 422),
    ("POST", "/keys", ALL, 422),
    ("GET", "/keys", ALL, 200),
    ("GET", "/keys/{id}", ALL, 200),
    ("DELETE", "/keys/{id}", ALL, 422),
    ("GET", "/audit", OPERATORS, 200),
    ("GET", "/dead-letters", OPERATORS, 200),
    ("GET", "/dead-letters/{id}", OPERATORS, 200),
    ("POST", "/dead-letters/{id}/replay", OPERATORS, 422),
    ("DELETE", "/dead-letters/{id}", OPERATORS, 422),
    ("GET", "/events", ALL, 503),
    ("GET", "/ws", ALL, 503),
    ("GET", "/metrics", STAFF, 200),
    ("GET", "/healthz", ANYBODY, 200),
    ("GET", "/health/detailed", ANYBODY, 200),
    ("GET", "/openapi.json", ANYBODY, 200),
    ("GET", "/docs", ANYBODY, 200),
    ("GET", "/docs/{file}", ANYBODY, 200),
];

/// One operation as the description shows it, and what the table says of it.
struct Route {
    method: String,
    path: String,
    /// A list can be narrowed to a tenant.
    narrowed: bool,
    roles: &'static [&'static str],
    answer: u16,
}

/// Every operation that is described. One that the table does not know ends the test, and so does one that is only there.
fn routes(description: &Value) -> Vec<Route> {
    let described = operations(description);
    for (method, path, ..) in TABLE {
        assert!(described.contains(&(method.into(), path.into())), "{method} {path} is in the table only");
    }
    let route = |(method, path): (String, String)| {
        let rule = TABLE.into_iter().find(|(m, p, ..)| (*m, *p) == (method.as_str(), path.as_str()));
        let (_, _, roles, answer) = rule.unwrap_or_else(|| panic!("{method} {path} is not in the table"));
        let operation = &description["paths"][&path][method.to_lowercase()];
        assert_eq!(told_roles(operation), roles, "{method} {path}: what is described");
        let narrowed = operation["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "tenant");
        Route { method, path, narrowed, roles, answer }
    };
    described.into_iter().map(route).collect()
}

/// Who may, as the description says it: the roles that a token is asked for, where it is asked for and not every role will do.
fn told_roles(operation: &Value) -> Vec<&str> {
    match operation["security"][0]["token"].as_array() {
        None => ANYBODY.to_vec(),
        Some(roles) if roles.is_empty() => ALL.to_vec(),
        Some(roles) => roles.iter().map(|role| role.as_str().unwrap()).collect(),
    }
}

impl Route {
    /// Every address to ask at.
    fn targets(&self, things: &Things) -> Vec<Named> {
        let named = things.named_by(&self.path);
        let fill = |(whose, name): Named| (whose, filled(&self.path, &name));
        match (named.is_empty(), self.narrowed) {
            (false, _) => named.into_iter().map(fill).collect(),
            (true, true) => {
                let narrow = |(whose, name)| (whose, format!("{}?tenant={name}", self.path));
                things.tenants().into_iter().map(narrow).collect()
            }
            (true, false) => vec![(Whose::Own, self.path.clone())],
        }
    }

    /// What this caller is answered about such a thing.
    fn expected(&self, role: &str, whose: Whose) -> u16 {
        let is_open = self.roles == ANYBODY;
        let there = match whose {
            Whose::Own => true,
            Whose::Foreign => is_open || role != "owner",
            Whose::Absent => false,
        };
        match self.roles.contains(&role) {
            false if role == "nobody" => 401,
            false => 403,
            true if self.path.contains('{') && !there => 404,
            true => self.answer,
        }
    }

    fn is_command(&self) -> bool {
        self.method != "GET"
    }

    fn call(&self, method: &str, target: &str, claims: Option<&Claims>) -> Call {
        let call = Call::with(method, target).header("x-correlation-id", "the-same");
        let call = if self.is_command() { call.body(r#"{"unasked":true}"#) } else { call };
        claims.map_or(call.clone(), |claims| call.by(claims)).signed()
    }
}

/// An answer without the one thing that differs each time.
fn anonymous(reply: &Reply) -> String {
    let trace_id = reply.header("x-trace-id");
    let headers: BTreeSet<_> =
        reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    format!("{} {headers:?} {}", reply.status, reply.text()).replace(trace_id, "…")
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn everybody_may_do_what_the_table_says_and_a_foreign_thing_is_an_absent_one(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let things = Things::made(&platform, &database).await;
    let description = platform.send(Call::get("/openapi.json")).await.json();
    let (before, mut calls, mut noted) = (Record::count(&database).await, 0, 0);
    let callers = ["admin", "operator", "service"].map(|role| (role, Some(Claims::of(role))));
    let callers = callers.into_iter().chain([("owner", Some(things.owner())), ("nobody", None)]);
    let callers: Vec<(&str, Option<Claims>)> = callers.collect();
    for (route, (role, claims)) in pairs(&routes(&description), &callers) {
        let (role, claims) = (*role, claims.as_ref());
        let mut unseen = BTreeSet::new();
        for (whose, target) in route.targets(&things) {
            let expected = route.expected(role, whose);
            for replica in [0, 1] {
                let reply = platform.send_to(replica, route.call(&route.method, &target, claims)).await;
                assert_eq!(reply.status, expected, "{} {target} by {role}: {}", route.method, reply.text());
                // What is for anybody who knows its name is seen.
                let is_foreign = whose == Whose::Foreign && route.roles != ANYBODY;
                if role == "owner" && (is_foreign || whose == Whose::Absent) {
                    unseen.insert(anonymous(&reply));
                }
                calls += 1;
            }
            if !route.is_command() {
                let head = platform.send(route.call("HEAD", &target, claims)).await;
                assert_eq!((head.status.as_u16(), head.body.len()), (expected, 0), "HEAD {target} by {role}");
                calls += 1;
            }
            let audited = route.is_command()
                || ["/initial-login", "/logs", "/extract"].iter().any(|end| route.path.ends_with(end));
            let asked = if route.is_command() { 2 } else { 3 };
            noted += if audited && role != "nobody" { asked } else { 0 };
        }
        assert!(unseen.len() <= 1, "{} {}: {unseen:#?}", route.method, route.path);
    }
    println!("{calls} calls, {noted} of them audited");
    assert!(calls >= 900, "{calls}");
    platform.stop().await;
    let after = Record::count(&database).await;
    assert_eq!(after.of("audit_logs") - before.of("audit_logs"), noted, "every refused command is noted");
    assert_eq!(after.without_refusals(), before.without_refusals(), "and nothing else is");
}

fn pairs<'a, A, B>(some: &'a [A], others: &'a [B]) -> impl Iterator<Item = (&'a A, &'a B)> {
    some.iter().flat_map(move |one| others.iter().map(move |other| (one, other)))
}
