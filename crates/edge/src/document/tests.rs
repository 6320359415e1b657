mod formerly;
mod shared;

use common::tenant::Purpose;

use super::*;
use crate::{Mark, Target};

fn route(host: &str, id: u128, generation: i64, targets: &[(Color, &str, u16)]) -> Route {
    let target = |(color, url, weight): &(Color, &str, u16)| Target {
        color: *color,
        url: url.parse().unwrap(),
        weight: *weight,
        webhook_weight: None,
    };
    // Built from text, so that the golden file stays the same.
    let tenant = format!("ten_{id:032x}").parse().unwrap();
    let targets = targets.iter().map(target).collect();
    let purpose = Purpose::Customer;
    Route {
        host: host.parse().unwrap(),
        tenant,
        purpose,
        targets,
        workspace: None,
        formerly: None,
        stand_in: None,
        generation,
    }
}

fn settings(tls: Option<Tls>) -> Settings {
    Settings {
        tls,
        waiting: "http://edge-relay:8082".parse().unwrap(),
        in_flight: 500,
        tenants: "10.201.0.0/16".parse().unwrap(),
    }
}

const BLUE: (Color, &str, u16) = (Color::Blue, "http://10.0.0.2:5678", 1);
const GREEN: (Color, &str, u16) = (Color::Green, "http://10.0.0.3:5678", 1);

fn tls(hsts_seconds: u32) -> Tls {
    let domain = "localhost".parse().unwrap();
    Tls { domain, port: 8443, hsts_seconds, orders_wildcard: true, orders_custom: true }
}

/// The document of these routes, all of whose sides are ready.
fn served(routes: &[Route]) -> Value {
    document(routes, |_, _| true, &BTreeSet::new(), &settings(None))
}

/// The same by TLS, with these certificates asked for.
fn served_by_tls(routes: &[Route], asked: &[Certificate]) -> Value {
    document(routes, |_, _| true, &asked.iter().cloned().collect(), &settings(Some(tls(0))))
}

#[test]
fn two_tenants_make_the_golden_document() {
    let routes = [
        route("acme.localhost", 1, 3, &[(Color::Blue, "http://10.201.0.3:5678", 1)]),
        route(
            "flows.example.com",
            2,
            12,
            &[(Color::Blue, "http://10.201.0.19:5678", 1), (Color::Green, "http://10.201.0.20:5678", 9)],
        ),
    ];
    let golden: Value = serde_json::from_str(include_str!("../../tests/golden/document.json")).unwrap();
    assert_eq!(served(&routes), golden);
}

#[test]
fn without_routes_everybody_is_unknown() {
    let document = served(&[]);
    let routers = document["http"]["routers"].as_object().unwrap();
    assert_eq!(routers.keys().collect::<Vec<_>>(), ["unknown_host", "unknown_host_probe"]);
    assert!(routers.values().all(|router| router["middlewares"] == json!(["refuse"])));
    let idle = route("acme.localhost", 1, 1, &[(Color::Blue, "http://10.0.0.2:5678", 0)]);
    assert_eq!(served(&[idle]), document);
}

#[test]
fn by_tls_everything_is_served_there_and_who_speaks_plainly_is_sent_there() {
    let routes = [route("acme.localhost", 1, 1, &[BLUE]), route("flows.acme.org", 1, 1, &[BLUE])];
    let document = served_by_tls(&routes, &[]);
    let routers = document["http"]["routers"].as_object().unwrap();
    let on = |entrypoint: &str| {
        let on = routers.iter().filter(|(_, router)| router["entryPoints"] == json!([entrypoint]));
        on.map(|(name, router)| (name.as_str(), router.get("tls"))).collect::<Vec<_>>()
    };
    assert_eq!(on("web"), [("plain_text", None)]);
    assert_eq!(routers["plain_text"]["middlewares"], json!(["to_tls"]));
    let to_tls = &document["http"]["middlewares"]["to_tls"]["redirectScheme"];
    assert_eq!(*to_tls, json!({ "scheme": "https", "port": "8443", "permanent": true }));
    let (names, tls): (Vec<_>, Vec<_>) = on("websecure").into_iter().unzip();
    let expected = [
        "acme.localhost",
        "acme.localhost_refuse",
        "flows.acme.org",
        "flows.acme.org_refuse",
        "unknown_host",
    ];
    assert_eq!(names, expected);
    assert!(tls.iter().all(|tls| *tls == Some(&json!({}))), "whatever there is, and no order: {tls:?}");
}

#[test]
fn each_certificate_that_is_asked_for_is_ordered_by_one_router_that_serves_nobody() {
    let host = || "flows.acme.org".parse().unwrap();
    let asked = [Certificate::Wildcard("localhost".parse().unwrap()), Certificate::Custom(host())];
    let routes = [route("acme.localhost", 1, 1, &[BLUE]), route("flows.acme.org", 1, 1, &[BLUE])];
    let document = served_by_tls(&routes, &asked);
    let routers = document["http"]["routers"].as_object().unwrap();
    let ordering = routers.iter().filter(|(_, router)| router["tls"].get("certResolver").is_some());
    let ordering: Vec<_> = ordering.map(|(name, router)| (name.as_str(), router)).collect();
    let tls = |resolver, name| json!({ "certResolver": resolver, "domains": [{ "main": name }] });
    assert_eq!(ordering.len(), 2);
    assert_eq!(ordering[0].0, "*.localhost_certificate");
    assert_eq!(ordering[0].1["tls"], tls("wildcard", "*.localhost"));
    assert_eq!(ordering[1].1["tls"], tls("custom", "flows.acme.org"));
    for (_, router) in ordering {
        assert_eq!((&router["middlewares"], &router["priority"]), (&json!(["refuse"]), &json!(2)));
    }
}

#[test]
fn browsers_are_told_to_come_by_tls_alone_where_that_is_wanted() {
    let acme = [route("acme.localhost", 1, 1, &[BLUE])];
    for (seconds, told) in [(0, Value::Null), (600, json!(600))] {
        let document = document(&acme, |_, _| true, &BTreeSet::new(), &settings(Some(tls(seconds))));
        assert_eq!(document["http"]["middlewares"]["acme.localhost_mark"]["headers"]["stsSeconds"], told);
    }
}

#[test]
fn targets_of_one_colour_become_one_side() {
    let targets = [(Color::Blue, "http://10.0.0.2:5678", 2), (Color::Blue, "http://10.0.0.3:5678", 3)];
    let document = served(&[route("acme.localhost", 1, 1, &targets)]);
    let services = &document["http"]["services"];
    assert_eq!(services["acme.localhost"]["weighted"]["services"][0]["weight"], 5);
    assert_eq!(services["acme.localhost_blue"]["loadBalancer"]["servers"].as_array().unwrap().len(), 2);
}

#[test]
fn only_sides_that_are_ready_get_calls_and_all_can_be_asked() {
    let routes = [route("acme.localhost", 1, 1, &[BLUE, GREEN])];
    let with = |ready: &[Color]| {
        document(&routes, |_, color| ready.contains(&color), &BTreeSet::new(), &settings(None))
    };
    let shares = |document: &Value| {
        let services = document["http"]["services"]["acme.localhost"]["weighted"]["services"].clone();
        let names =
            services.as_array().unwrap().iter().map(|share| share["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(shares(&with(&[Color::Blue, Color::Green])), ["acme.localhost_blue", "acme.localhost_green"]);
    assert_eq!(shares(&with(&[Color::Green])), ["acme.localhost_green"]);
    let none = with(&[]);
    assert_eq!(shares(&none), ["waiting_page"]);
    for side in ["acme.localhost_blue", "acme.localhost_green"] {
        assert_eq!(none["http"]["routers"][format!("{side}_probe")]["service"], side);
    }
}

#[test]
fn a_side_that_answers_webhooks_only_gets_its_share_of_those_and_of_nothing_else() {
    let mut both = route("acme.localhost", 1, 1, &[BLUE, (Color::Green, GREEN.1, 0)]);
    (both.targets[0].webhook_weight, both.targets[1].webhook_weight) = (Some(90), Some(10));
    let with = |route: &Route, ready: &[Color]| {
        let routes = std::slice::from_ref(route);
        let document = document(routes, |_, color| ready.contains(&color), &BTreeSet::new(), &settings(None));
        let services = &document["http"]["services"];
        let shares = |name: &str| {
            let shares = services[name]["weighted"]["services"].as_array().unwrap().clone();
            let told =
                shares.iter().map(|share| format!("{} {}", share["name"].as_str().unwrap(), share["weight"]));
            told.collect::<Vec<_>>().join(", ")
        };
        let told = [shares("acme.localhost"), shares("acme.localhost_own_webhooks")];
        (document, told)
    };
    let (document, told) = with(&both, &[Color::Blue, Color::Green]);
    assert_eq!(
        told,
        ["acme.localhost_blue 1", "acme.localhost_blue_webhooks 90, acme.localhost_green_webhooks 10"]
    );
    let routers = &document["http"]["routers"];
    assert_eq!(routers["acme.localhost"]["service"], "acme.localhost");
    let router = &routers["acme.localhost_own_webhooks"];
    assert_eq!(router["service"], "acme.localhost_own_webhooks");
    assert!(
        router["rule"].as_str().unwrap().starts_with("Host(`acme.localhost`) && PathRegexp(`"),
        "{router}"
    );
    assert_eq!(routers["acme.localhost_green_probe"]["service"], "acme.localhost_green");
    assert_eq!(with(&both, &[Color::Blue]).1, ["acme.localhost_blue 1", "acme.localhost_blue_webhooks 90"]);
    assert_eq!(with(&both, &[Color::Green]).1, ["waiting_page 1", "acme.localhost_green_webhooks 10"]);
    assert_eq!(routers["acme.localhost_probe"]["service"], "acme.localhost");

    // One that has all of them, and dies: who serves everything else is there.
    let mut all = both.clone();
    (all.targets[0].webhook_weight, all.targets[1].webhook_weight) = (Some(0), Some(100));
    let of_webhooks = |ready: &[Color]| with(&all, ready).1[1].clone();
    assert_eq!(of_webhooks(&[Color::Blue, Color::Green]), "acme.localhost_green_webhooks 100");
    assert_eq!(of_webhooks(&[Color::Blue]), "acme.localhost_blue_webhooks 1");
    assert_eq!(of_webhooks(&[]), "waiting_page 1");

    // While the main of one side begins, webhooks are answered all the same.
    let alone = Route { targets: both.targets[1..].to_vec(), generation: 2, ..both };
    let (document, told) = with(&alone, &[Color::Green]);
    assert_eq!(told, ["waiting_page 1", "acme.localhost_green_webhooks 10"]);
    let probe = &document["http"]["routers"]["acme.localhost_probe"];
    assert_eq!(
        probe["service"], "acme.localhost_own_webhooks",
        "whether the route is in force is asked where it leads"
    );
    let stood_in = Route { stand_in: Some(StandIn::Waiting), ..alone };
    let routers = &served(&[stood_in])["http"]["routers"];
    assert!(routers.get("acme.localhost_own_webhooks").is_none(), "all of it is stood in for");
}

#[test]
fn a_stand_in_answers_in_place_of_every_side_and_private_paths_stay_closed() {
    let active = route("acme.localhost", 1, 1, &[BLUE, GREEN]);
    let suspended = Route { stand_in: Some(StandIn::Suspended), ..active.clone() };
    let http = &served(&[suspended])["http"];
    assert_eq!(http["services"].as_object().unwrap().keys().collect::<Vec<_>>(), ["waiting_page"]);
    let routers = http["routers"].as_object().unwrap();
    let own: Vec<_> = routers.iter().filter(|(name, _)| name.starts_with("acme")).collect();
    assert_eq!(
        own.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["acme.localhost", "acme.localhost_probe", "acme.localhost_refuse"]
    );
    for (name, router) in own {
        let told = router["middlewares"].as_array().unwrap().contains(&json!("stand_in_suspended"));
        assert_eq!(
            (told, &router["service"]),
            (!name.ends_with("_refuse"), &json!("waiting_page")),
            "{name}"
        );
    }
    let headers = &http["middlewares"]["stand_in_suspended"]["headers"]["customRequestHeaders"];
    assert_eq!(headers[STAND_IN_HEADER], "suspended");
    // Whoever answers is told by the mark.
    let mark = &http["middlewares"]["acme.localhost_mark"]["headers"]["customResponseHeaders"][Mark::HEADER];
    assert!(mark.as_str().unwrap().ends_with("/suspended/1"), "{mark}");
}

#[test]
fn names_of_different_routes_never_meet() {
    let hosts =
        ["a.b", "a", "a-b", "a.b.c", "blue", "refuse", "a-mark", "mark.a", "waiting", "unknown", "probe"];
    let routes: Vec<_> = (1..).zip(hosts).map(|(id, host)| route(host, id, 1, &[BLUE, GREEN])).collect();
    let document = served(&routes);
    let count = |section: &str| document["http"][section].as_object().unwrap().len();
    assert_eq!(count("routers"), 5 * hosts.len() + 2);
    assert_eq!(count("services"), 3 * hosts.len() + 1);
    assert_eq!(count("middlewares"), hosts.len() + 2 + StandIn::ALL.len());
}
