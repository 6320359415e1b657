//! An n8n that tenants share, and who lives in it.

use super::*;
use crate::Workspace;

pub(super) const P: &str = "aB3dE6gH9jK2mN5p";
pub(super) const Q: &str = "qR4tS7vW1xY8zA2b";

/// The n8n itself.
pub(super) fn base() -> Route {
    Route { purpose: Purpose::Shared, ..route("shared-1.localhost", 9, 2, &[BLUE]) }
}

/// A tenant's host; tenants are numbered, and so are their users.
pub(super) fn part(host: &str, id: u128, prefix: &str) -> Route {
    let workspace = json!({ "instance": base().tenant, "prefix": prefix, "user": format!("00000000-0000-4000-8000-{id:012}"),
        "address": format!("https://{host}"), "calls_per_hour": 1000 });
    let workspace: Workspace = serde_json::from_value(workspace).unwrap();
    Route { workspace: Some(workspace), ..route(host, id, 1, &[]) }
}

pub(super) fn section<'a>(document: &'a Value, name: &str) -> &'a serde_json::Map<String, Value> {
    document["http"][name].as_object().unwrap()
}

/// What a router is made of: its service, and the names of its middlewares.
pub(super) fn way(document: &Value, router: &str) -> (String, Vec<String>) {
    let router = &document["http"]["routers"][router];
    let middlewares = router["middlewares"].as_array().unwrap().iter();
    let names = middlewares.map(|name| name.as_str().unwrap().to_owned());
    (router["service"].as_str().unwrap().to_owned(), names.collect())
}

#[test]
fn a_tenant_of_a_shared_n8n_and_that_n8n_make_the_golden_document() {
    let document = served(&[part("acme.localhost", 1, P), base()]);
    let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/shared.json")).unwrap();
    assert_eq!(document, golden);
}

#[test]
fn everybody_who_shares_an_n8n_is_served_by_its_sides_and_they_are_asked_once() {
    let hosts: Vec<_> =
        (1..=50).map(|id| part(&format!("t{id}.localhost"), id, &format!("{id:016}"))).collect();
    let document = served(&[hosts, vec![base()]].concat());
    let names: Vec<_> = section(&document, "services").keys().collect();
    assert_eq!(names, ["shared-1.localhost", "shared-1.localhost_blue", "waiting_page"]);
    let asks = |(name, router): (&String, &Value)| {
        router["rule"].as_str().unwrap().contains(SIDE_HEADER).then(|| name.clone())
    };
    let asked: Vec<_> = section(&document, "routers").iter().filter_map(asks).collect();
    assert_eq!(asked, ["shared-1.localhost_blue_probe"]);
    // Of each three, of that n8n four, one that refuses for all, and two for hosts of nobody.
    assert_eq!(section(&document, "routers").len(), 3 * 50 + 4 + 1 + 2);
}

#[test]
fn each_host_of_a_tenant_tells_its_own_address_and_its_part_has_one_way_in_on_the_n8ns_host() {
    let document = served(&[
        part("acme.localhost", 1, P),
        part("flows.acme.example", 1, P),
        part("zeta.localhost", 2, Q),
        base(),
    ]);
    for (host, id) in [("acme.localhost", 1), ("flows.acme.example", 1), ("zeta.localhost", 2)] {
        let headers = &document["http"]["middlewares"][format!("{host}_mark")]["headers"];
        let told = &headers["customRequestHeaders"]["x-rp9-shared-tenant"];
        assert_eq!(told, &format!("00000000-0000-4000-8000-{id:012} https://{host}"));
    }
    let rules = section(&document, "routers").iter();
    let rules = rules.map(|(name, router)| (name.as_str(), router["rule"].as_str().unwrap()));
    let rules: Vec<_> = rules.filter(|(_, rule)| rule.contains("Host(`shared-1.localhost`)")).collect();
    let ways = |prefix: &str| {
        let part = format!("/{prefix}/`)");
        rules.iter().filter(|(_, rule)| rule.ends_with(&part)).map(|(name, _)| *name).collect::<Vec<_>>()
    };
    assert_eq!((ways(P), ways(Q)), (vec!["acme.localhost_webhooks"], vec!["zeta.localhost_webhooks"]));
    let own = ["shared-1.localhost_blue_probe", "shared-1.localhost_probe", "shared-1.localhost_resume"];
    let others = rules.iter().map(|(name, _)| *name).filter(|name| !name.ends_with("_webhooks"));
    assert_eq!(others.collect::<Vec<_>>(), own);
}

#[test]
fn a_suspended_tenant_has_its_stand_in_on_the_n8ns_host_too_and_its_neighbours_have_not() {
    let suspended = Route { stand_in: Some(StandIn::Suspended), ..part("acme.localhost", 1, P) };
    let document = served(&[suspended, part("zeta.localhost", 2, Q), base()]);
    let way_in = format!(
        "Host(`shared-1.localhost`) && PathRegexp(`^/(webhook|webhook-test|form|form-test|mcp|mcp-test)/{P}/`)"
    );
    let rule = document["http"]["routers"]["acme.localhost_webhooks"]["rule"].as_str().unwrap();
    assert!(rule.ends_with(&format!(" || {way_in}")), "{rule}");
    for router in ["acme.localhost", "acme.localhost_webhooks", "acme.localhost_probe"] {
        let (service, told) = way(&document, router);
        assert_eq!(service, "waiting_page", "{router}");
        assert!(told.contains(&"stand_in_suspended".to_owned()), "{router}");
    }
    for router in ["zeta.localhost", "zeta.localhost_webhooks"] {
        let (service, told) = way(&document, router);
        assert_eq!(
            (service.as_str(), told.contains(&"stand_in_suspended".to_owned())),
            ("shared-1.localhost", false)
        );
    }
}

#[test]
fn whoever_lives_in_an_n8n_that_is_away_waits_with_it() {
    let routes = [part("acme.localhost", 1, P), base()];
    let down = document(&routes, |_, _| false, &BTreeSet::new(), &settings(None));
    assert_eq!(
        down["http"]["services"]["shared-1.localhost"]["weighted"]["services"][0]["name"],
        "waiting_page"
    );
    let resting = Route { stand_in: Some(StandIn::Waiting), ..base() };
    let own = Route { purpose: Purpose::Customer, ..base() };
    for instance in [Some(resting), Some(own), None] {
        let routes: Vec<_> = routes[..1].iter().cloned().chain(instance).collect();
        assert_eq!(way(&served(&routes), "acme.localhost").0, "waiting_page");
    }
}

#[test]
fn whatever_reaches_an_n8n_says_for_whom_or_that_it_is_for_nobody() {
    let document =
        served(&[part("acme.localhost", 1, P), base(), route("own.localhost", 3, 1, &[BLUE, GREEN])]);
    let middlewares = section(&document, "middlewares");
    for (name, router) in section(&document, "routers") {
        let used =
            router["middlewares"].as_array().unwrap().iter().map(|used| &middlewares[used.as_str().unwrap()]);
        let told: Vec<_> =
            used.clone().map(|used| &used["headers"]["customRequestHeaders"][Workspace::HEADER]).collect();
        let told: Vec<_> = told.into_iter().filter(|told| !told.is_null()).collect();
        let refused = used.clone().any(|used| used.get("ipAllowList").is_some());
        let expected = if refused {
            vec![]
        } else if name.starts_with("acme") {
            vec!["00000000-0000-4000-8000-000000000001 https://acme.localhost"]
        } else {
            vec![""]
        };
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn the_platform_has_one_way_in_which_nothing_else_is_on_and_follows_the_n8ns_sides() {
    let routes = [part("acme.localhost", 1, P), base(), route("own.localhost", 3, 1, &[BLUE, GREEN])];
    let document = served_by_tls(&routes, &[]);
    let on = |(name, router): (&String, &Value)| {
        let on = router["entryPoints"].as_array().unwrap();
        assert_eq!(on.len(), 1, "{name}");
        (on[0] == "inner").then(|| name.clone())
    };
    let inner: Vec<_> = section(&document, "routers").iter().filter_map(on).collect();
    assert_eq!(inner, ["shared-1.localhost_inner"]);
    assert_eq!(way(&document, &inner[0]).0, "shared-1.localhost");
    let rule = document["http"]["routers"][&inner[0]]["rule"].as_str().unwrap();
    assert!(rule.ends_with("&& ClientIP(`0.0.0.0/0`) && !ClientIP(`10.201.0.0/16`)"), "{rule}");

    let resting = Route { stand_in: Some(StandIn::Suspended), ..base() };
    let (service, told) = way(&served(&[resting]), &inner[0]);
    assert_eq!((service.as_str(), told.contains(&"stand_in_suspended".to_owned())), ("waiting_page", true));
    let nowhere = Route { targets: vec![], ..base() };
    assert!(!section(&served(&[nowhere]), "routers").contains_key(&inner[0]));
}

#[test]
fn more_than_an_hours_calls_are_never_let_in_at_once_nor_more_than_a_thousand() {
    for (hour, burst) in [(1, 1), (999, 999), (1_000, 1_000), (100_000, 1_000)] {
        let mut route = part("acme.localhost", 1, P);
        route.workspace.as_mut().unwrap().calls_per_hour = hour.try_into().unwrap();
        let document = served(&[route, base()]);
        let rate = &document["http"]["middlewares"][format!("rate_{hour}")]["rateLimit"];
        assert_eq!(
            (&rate["average"], &rate["burst"], &rate["period"]),
            (&json!(hour), &json!(burst), &json!("1h"))
        );
    }
}

/// What refuses for all who share an n8n names no host: whoever has an n8n of their own goes before it, whoever shares one after it.
#[test]
fn what_is_refused_of_every_shared_n8n_is_refused_once_before_their_routers_and_after_everybody_elses() {
    let routes = [part("acme.localhost", 1, P), base(), route("own.localhost", 3, 1, &[BLUE, GREEN])];
    let document = served(&routes);
    let routers = section(&document, "routers");
    let priority = |router: &Value| router["priority"].as_u64().unwrap();
    let refuse = &routers["shared_refuse"];
    assert!(!refuse["rule"].as_str().unwrap().contains("Host"));
    for (name, router) in routers.iter().filter(|(_, router)| router["entryPoints"] == refuse["entryPoints"])
    {
        if name != "shared_refuse" {
            assert_eq!(priority(router) > priority(refuse), name.starts_with("own"), "{name}");
        }
    }
    assert!(
        !section(&served(&[route("own.localhost", 3, 1, &[BLUE])]), "routers").contains_key("shared_refuse")
    );
}

#[test]
fn somebody_elses_n8n_is_called_by_its_own_name_and_below_its_path() {
    let there = |url| Route {
        purpose: Purpose::Shared,
        ..route("shared-1.localhost", 9, 2, &[(Color::Blue, url, 1)])
    };
    let balancer = |url| {
        let document = served(&[part("acme.localhost", 1, P), there(url)]);
        assert_eq!(way(&document, "acme.localhost").0, "shared-1.localhost", "{url}");
        document["http"]["services"]["shared-1.localhost_blue"]["loadBalancer"].clone()
    };
    let plain = balancer("https://n8n.example.com/");
    assert_eq!(plain["passHostHeader"], json!(false));
    assert_eq!(plain["servers"], json!([{ "url": "https://n8n.example.com/", "weight": 1 }]));
    let below = balancer("https://example.com/flows/");
    assert_eq!(below["servers"][0]["preservePath"], json!(true));
    assert_eq!(balancer("http://10.0.0.2:5678")["passHostHeader"], Value::Null, "one of the platform's own");
}
