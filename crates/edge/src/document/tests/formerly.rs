//! A tenant that shared an n8n before it had one of its own.

use super::shared::{P, Q, base, part, section, way};
use super::*;
use crate::Formerly;

const KINDS: &str = "webhook|webhook-test|form|form-test|mcp|mcp-test";

/// A host of the tenant whose part of that n8n this was.
fn moved(host: &str, id: u128, prefix: &str) -> Route {
    let formerly =
        Some(Formerly { instance: base().tenant, prefix: prefix.parse().unwrap(), waiting: vec![] });
    Route { formerly, ..route(host, id, 1, &[GREEN]) }
}

fn rule<'a>(document: &'a Value, router: &str) -> &'a str {
    document["http"]["routers"][router]["rule"].as_str().unwrap()
}

#[test]
fn what_callers_wrote_into_their_paths_is_taken_away_here_and_on_the_n8ns_host() {
    let document = served(&[moved("acme.localhost", 1, P), base()]);
    let here = format!("Host(`acme.localhost`) && PathRegexp(`^/+(?i:{KINDS})/+{P}/`)");
    assert_eq!(rule(&document, "acme.localhost_webhooks"), here);
    let there = format!("Host(`shared-1.localhost`) && (PathRegexp(`^/({KINDS})/{P}/`))");
    assert_eq!(rule(&document, "acme.localhost_former_webhooks"), there);

    let taken = ["acme.localhost_id", "acme.localhost_part", "acme.localhost_mark", "in_flight"];
    let own = |names: &[&str]| ("acme.localhost".to_owned(), names.iter().map(ToString::to_string).collect());
    assert_eq!(way(&document, "acme.localhost_webhooks"), own(&taken));
    let renamed = [&["acme.localhost_host"], taken.as_slice()].concat();
    assert_eq!(way(&document, "acme.localhost_former_webhooks"), own(&renamed));

    let middlewares = section(&document, "middlewares");
    let replaced = |name: &str| middlewares[name]["replacePathRegex"].clone();
    let id = json!({ "regex": format!("^/+((?i:{KINDS}))/+{P}/+{P}/+(.+)$"), "replacement": format!("/${{1}}/{P}-own/${{2}}") });
    assert_eq!(replaced("acme.localhost_id"), id);
    let part = json!({ "regex": format!("^/+((?i:{KINDS}))/+{P}/+(.*)$"), "replacement": "/${1}/${2}" });
    assert_eq!(replaced("acme.localhost_part"), part);
    let told = |name: &str| middlewares[name]["headers"]["customRequestHeaders"].clone();
    assert_eq!(told("acme.localhost_host"), json!({ "Host": "acme.localhost" }));
    let nobody = json!({ "x-rp9-shared-tenant": "", "X-Replaced-Path": "" });
    assert_eq!(told("acme.localhost_mark"), nobody);
}

#[test]
fn executions_that_waited_when_it_left_are_called_on_the_n8ns_host_and_end_in_its_own() {
    let mut tenant = moved("acme.localhost", 1, P);
    let waits =
        |waiting: Vec<u32>| Some(Formerly { instance: base().tenant, prefix: P.parse().unwrap(), waiting });
    tenant.formerly = waits(vec![7, 12]);
    let document = served(&[tenant.clone(), base()]);
    let there = rule(&document, "acme.localhost_former_webhooks");
    assert!(
        there.ends_with(" || PathRegexp(`^/(webhook-waiting|form-waiting)/(12|7)(/[^/]+)?$`))"),
        "{there}"
    );
    // Of very many the latest.
    tenant.formerly = waits((1..=5_000).collect());
    let document = served(&[tenant, base()]);
    let there = rule(&document, "acme.localhost_former_webhooks");
    assert!(
        there.contains("(5000|4999|") && there.contains("|3001)") && there.len() < 12_000,
        "{}",
        there.len()
    );
}

/// Whatever is before it refuses more than what it leads to.
#[test]
fn former_addresses_go_before_the_others_of_their_host_and_what_is_refused_before_them() {
    let document = served(&[moved("acme.localhost", 1, P), base()]);
    let priority = |router: &str| document["http"]["routers"][router]["priority"].as_u64().unwrap();
    assert!(priority("acme.localhost_refuse") > priority("acme.localhost_webhooks"));
    assert!(priority("acme.localhost_webhooks") > priority("acme.localhost"));
    assert!(priority("acme.localhost") > priority("shared_refuse"));
    assert!(priority("shared_refuse") > priority("acme.localhost_former_webhooks"));
}

#[test]
fn nothing_else_in_the_document_is_another_for_it() {
    let others = [part("zeta.localhost", 2, Q), route("own.localhost", 3, 1, &[BLUE]), base()];
    let before = served(&[&[route("acme.localhost", 1, 1, &[GREEN])], others.as_slice()].concat());
    let mut after = served(&[&[moved("acme.localhost", 1, P)], others.as_slice()].concat());
    for (kind, names) in
        [("routers", ["webhooks", "former_webhooks"].as_slice()), ("middlewares", &["id", "part", "host"])]
    {
        let section = after["http"][kind].as_object_mut().unwrap();
        for name in names {
            assert!(section.remove(&format!("acme.localhost_{name}")).is_some(), "{name}");
        }
    }
    let request = &mut after["http"]["middlewares"]["acme.localhost_mark"]["headers"]["customRequestHeaders"];
    request.as_object_mut().unwrap().remove("X-Replaced-Path").unwrap();
    assert_eq!(after.to_string(), before.to_string());
}

#[test]
fn its_part_has_one_way_in_on_the_n8ns_host_as_long_as_that_is_there() {
    let hosts = [moved("acme.localhost", 1, P), moved("flows.acme.example", 1, P)];
    let there = |routes: &[Route]| {
        let document = served(routes);
        let names = section(&document, "routers").keys().filter(|name| name.ends_with("_former_webhooks"));
        names.cloned().collect::<Vec<_>>()
    };
    assert_eq!(there(&[hosts.as_slice(), &[base()]].concat()), ["acme.localhost_former_webhooks"]);
    assert_eq!(there(&hosts), Vec::<String>::new());
    assert_eq!(rule(&served(&hosts), "flows.acme.example_webhooks").matches(P).count(), 1);
}

#[test]
fn behind_a_stand_in_calls_stay_as_they_came_so_that_they_can_be_sent_again_wherever_it_is_then() {
    let waiting = Route { stand_in: Some(StandIn::Waiting), ..moved("acme.localhost", 1, P) };
    let document = served(&[waiting, base()]);
    let page = |names: &[&str]| ("waiting_page".to_owned(), names.iter().map(ToString::to_string).collect());
    let told = ["acme.localhost_mark", "stand_in_waiting", "in_flight"];
    assert_eq!(way(&document, "acme.localhost_webhooks"), page(&told));
    let renamed = [&["acme.localhost_host"], told.as_slice()].concat();
    assert_eq!(way(&document, "acme.localhost_former_webhooks"), page(&renamed));
}
