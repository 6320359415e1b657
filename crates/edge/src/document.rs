//! Routes as Traefik's dynamic configuration.
//!
//! Everything that comes from data is a [`Host`](crate::Host), an address, an id or a number, so nothing can leave the
//! rule it stands in. Names are made of hosts and an underscore, which no host holds: unique, and the same each time.

use std::collections::BTreeMap;

use common::tenant::Color;
use serde_json::{Map, Value, json};

use crate::{Mark, Route, Target};

/// The middleware that refuses. It is there even when no route is: Traefik rejects a document without any element.
const REFUSE: &str = "refuse";

/// n8n answers these to anybody, in any case and with or without more path. They are for the platform alone.
const PRIVATE_PATHS: &str = "PathRegexp(`(?i)^/+(metrics|healthz)(/|$)`)";

/// The one path that is answered on the entrypoint `probe`: n8n answers it cheaply and without side effects, in every state.
pub(crate) const PROBE_PATH: &str = "/healthz/readiness";

/// Explicit, because Traefik otherwise ranks rules by their length.
const ROUTE_PRIORITY: u32 = 10;
const REFUSE_PRIORITY: u32 = 20;

/// Which of the edge's entrypoints exist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entrypoints {
    /// Whether `websecure` exists, and who gets its certificates.
    pub tls: Option<CertResolver>,
}

/// The name of one of Traefik's certificate resolvers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertResolver(String);

/// A text that names no certificate resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be letters, digits, hyphens and underscores")]
pub struct CertResolverError;

impl std::str::FromStr for CertResolver {
    type Err = CertResolverError;

    fn from_str(text: &str) -> Result<Self, CertResolverError> {
        let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if letters && !text.is_empty() { Ok(Self(text.to_owned())) } else { Err(CertResolverError) }
    }
}

/// The whole configuration: these routes and no others.
pub fn document(routes: &[Route], entrypoints: &Entrypoints) -> Value {
    let mut http = Sections::default();
    http.middlewares.insert(REFUSE.into(), refuse());
    for route in routes {
        if let Some(mark) = route.mark() {
            http.add(route, mark, entrypoints);
        }
    }
    http.into_document()
}

/// No caller has this address, so nobody passes; the answer is the one for a path that does not exist.
fn refuse() -> Value {
    json!({ "ipAllowList": { "sourceRange": ["255.255.255.255/32"], "rejectStatusCode": 404 } })
}

#[derive(Default)]
struct Sections {
    routers: Map<String, Value>,
    middlewares: Map<String, Value>,
    services: Map<String, Value>,
}

impl Sections {
    fn add(&mut self, route: &Route, mark: Mark, entrypoints: &Entrypoints) {
        let name = route.host.as_str();
        let rule = format!("Host(`{name}`)");
        let label = format!("{name}_mark");
        let headers = json!({ "customResponseHeaders": { Mark::HEADER: mark.to_string() } });
        self.middlewares.insert(label.clone(), json!({ "headers": headers }));

        let open = Router { rule: rule.clone(), service: name, middleware: &label, priority: ROUTE_PRIORITY };
        let private = format!("{rule} && {PRIVATE_PATHS}");
        let closed = Router { rule: private, service: name, middleware: REFUSE, priority: REFUSE_PRIORITY };
        for (router, suffix) in [(&open, ""), (&closed, "_refuse")] {
            self.routers.insert(format!("{name}{suffix}"), router.on("web"));
            if let Some(CertResolver(resolver)) = &entrypoints.tls {
                let mut secure = router.on("websecure");
                secure["tls"] = json!({ "certResolver": resolver });
                self.routers.insert(format!("{name}{suffix}_tls"), secure);
            }
        }
        // Tenants' containers reach this entrypoint too, through the network they share with the edge.
        let probed = Router { rule: format!("{rule} && Path(`{PROBE_PATH}`)"), ..open };
        self.routers.insert(format!("{name}_probe"), probed.on("probe"));
        self.add_services(name, &route.targets);
    }

    /// One service per side, and one above them that shares out the calls. The names stay the same during a switch.
    fn add_services(&mut self, name: &str, targets: &[Target]) {
        let mut sides: BTreeMap<&str, (u32, Vec<Value>)> = BTreeMap::new();
        for target in targets.iter().filter(|target| target.weight > 0) {
            let (weight, servers) = sides.entry(Color::as_str(target.color)).or_default();
            *weight += u32::from(target.weight);
            servers.push(json!({ "url": target.url.as_str(), "weight": target.weight }));
        }
        let mut shares = Vec::new();
        for (color, (weight, servers)) in sides {
            let side = format!("{name}_{color}");
            shares.push(json!({ "name": side, "weight": weight }));
            self.services.insert(side, json!({ "loadBalancer": { "servers": servers } }));
        }
        self.services.insert(name.to_owned(), json!({ "weighted": { "services": shares } }));
    }

    /// Traefik refuses an empty map, so a section without elements is left out.
    fn into_document(self) -> Value {
        let sections =
            [("routers", self.routers), ("middlewares", self.middlewares), ("services", self.services)];
        let filled = sections.into_iter().filter(|(_, elements)| !elements.is_empty());
        let http: Map<String, Value> =
            filled.map(|(name, elements)| (name.to_owned(), Value::Object(elements))).collect();
        json!({ "http": http })
    }
}

struct Router<'a> {
    rule: String,
    service: &'a str,
    middleware: &'a str,
    priority: u32,
}

impl Router<'_> {
    fn on(&self, entrypoint: &str) -> Value {
        json!({
            "entryPoints": [entrypoint],
            "rule": self.rule,
            "service": self.service,
            "middlewares": [self.middleware],
            "priority": self.priority,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: &str, id: u128, generation: i64, targets: &[(Color, &str, u16)]) -> Route {
        let target = |(color, url, weight): &(Color, &str, u16)| Target {
            color: *color,
            url: url.parse().unwrap(),
            weight: *weight,
        };
        // Built from text, so that the golden file stays the same.
        let tenant = format!("ten_{id:032x}").parse().unwrap();
        Route {
            host: host.parse().unwrap(),
            tenant,
            targets: targets.iter().map(target).collect(),
            generation,
        }
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
        let golden: Value = serde_json::from_str(include_str!("../tests/golden/document.json")).unwrap();
        assert_eq!(document(&routes, &Entrypoints::default()), golden);
    }

    #[test]
    fn without_routes_there_is_still_something_traefik_accepts() {
        let expected = json!({ "http": { "middlewares": { "refuse": refuse() } } });
        assert_eq!(document(&[], &Entrypoints::default()), expected);
        let idle = route("acme.localhost", 1, 1, &[(Color::Blue, "http://10.0.0.2:5678", 0)]);
        assert_eq!(document(&[idle], &Entrypoints::default()), expected);
    }

    #[test]
    fn a_certificate_resolver_adds_the_secure_entrypoint() {
        let tls = Some("letsencrypt".parse().unwrap());
        let acme = route("acme.localhost", 1, 1, &[(Color::Blue, "http://10.0.0.2:5678", 1)]);
        let document = document(&[acme], &Entrypoints { tls });
        let routers = document["http"]["routers"].as_object().unwrap();
        let secure: Vec<_> = routers.iter().filter(|(_, router)| router.get("tls").is_some()).collect();
        assert_eq!(secure.len(), 2);
        for (name, router) in secure {
            assert!(name.ends_with("_tls"), "{name}");
            assert_eq!(router["entryPoints"], json!(["websecure"]));
            assert_eq!(router["tls"]["certResolver"], "letsencrypt");
        }
        for text in ["", "a`b", "a\nb", "a\"b", "ä"] {
            assert_eq!(text.parse::<CertResolver>(), Err(CertResolverError), "{text:?}");
        }
    }

    #[test]
    fn targets_of_one_colour_become_one_side() {
        let targets = [(Color::Blue, "http://10.0.0.2:5678", 2), (Color::Blue, "http://10.0.0.3:5678", 3)];
        let document = document(&[route("acme.localhost", 1, 1, &targets)], &Entrypoints::default());
        let services = &document["http"]["services"];
        assert_eq!(services["acme.localhost"]["weighted"]["services"][0]["weight"], 5);
        assert_eq!(services["acme.localhost_blue"]["loadBalancer"]["servers"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn names_of_different_routes_never_meet() {
        let hosts = ["a.b", "a", "a-b", "a.b.c", "blue", "refuse", "a-mark", "mark.a"];
        let targets = [(Color::Blue, "http://10.0.0.2:5678", 1), (Color::Green, "http://10.0.0.3:5678", 1)];
        let routes: Vec<_> = (1..).zip(hosts).map(|(id, host)| route(host, id, 1, &targets)).collect();
        let document = document(&routes, &Entrypoints::default());
        let count = |section: &str| document["http"][section].as_object().unwrap().len();
        assert_eq!(count("routers"), 3 * hosts.len());
        assert_eq!(count("services"), 3 * hosts.len());
        assert_eq!(count("middlewares"), hosts.len() + 1);
    }
}
