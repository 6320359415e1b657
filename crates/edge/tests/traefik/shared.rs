//! Tenants who share an n8n, and what reaches it and a neighbour with one of its own.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use common::id::TenantId;
use common::tenant::{Color, Purpose};
use edge::{Edge as _, Formerly, HttpEdge, Route, Settings, StandIn, Target, Workspace, document};
use serde_json::json;

use crate::support::{Ports, Traefik, ask_from, serve, status, until};

pub const A: &str = "aB3dE6gH9jK2mN5p";
pub const B: &str = "qR4tS7vW1xY8zA2b";
/// Of a tenant that has an n8n of its own by now.
pub const MOVED: &str = "mO2vE5dA8wA1yZ4x";
const SUSPENDED: &str = "sU5pE2nD8eD1xX0y";

pub const KINDS: [&str; 6] = ["webhook", "webhook-test", "form", "form-test", "mcp", "mcp-test"];
pub const BASE: &str = "shared-1.localhost";

/// Where tenants' containers are: all of these are this machine.
pub const TENANTS: &str = "127.201.0.0/16";

/// A Traefik whose table has an n8n that tenants share, three of them, one that did before, and a tenant with its own.
pub struct World {
    table: Arc<Mutex<Vec<Route>>>,
    edge: HttpEdge,
    traefik: Traefik,
    pub ports: Ports,
    /// The n8n that tenants share.
    pub instance: TenantId,
}

/// What reached an n8n.
#[derive(Debug)]
pub struct Heard {
    /// Which n8n.
    pub by: String,
    pub path: String,
    head: Vec<String>,
}

impl Heard {
    /// The values of the header with this name, as n8n reads names.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let pairs = self.head.iter().filter_map(|line| line.split_once(':'));
        pairs.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }
}

/// Says who it is and repeats the request.
async fn n8n(name: &'static str) -> SocketAddr {
    serve(move |request| format!("{name}\r\n{request}")).await
}

fn route(host: &str, tenant: TenantId, side: Option<SocketAddr>) -> Route {
    let target =
        |url: SocketAddr| Target { color: Color::Blue, url: url.into(), weight: 1, webhook_weight: None };
    Route {
        host: host.parse().unwrap(),
        tenant,
        purpose: Purpose::Customer,
        targets: side.map(target).into_iter().collect(),
        workspace: None,
        formerly: None,
        stand_in: None,
        generation: 1,
    }
}

fn part(host: &str, instance: TenantId, prefix: &str, user: u128) -> Route {
    let workspace = json!({ "instance": instance, "prefix": prefix, "user": uuid::Uuid::from_u128(user),
        "address": format!("https://{host}"), "calls_per_hour": 100_000 });
    let workspace: Workspace = serde_json::from_value(workspace).unwrap();
    Route { workspace: Some(workspace), ..route(host, TenantId::generate(), None) }
}

/// A host of a tenant that shared this n8n before.
fn moved(host: &str, instance: TenantId, side: SocketAddr) -> Route {
    let formerly = Some(Formerly { instance, prefix: MOVED.parse().unwrap(), waiting: vec![] });
    Route { formerly, ..route(host, TenantId::generate(), Some(side)) }
}

impl World {
    /// On these ports.
    pub async fn start(ports: Ports) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (instance, alone) = (TenantId::generate(), n8n("moved").await);
        let routes = vec![
            part("a.localhost", instance, A, 0xA),
            part("flows.a.example", instance, A, 0xA),
            part("b.localhost", instance, B, 0xB),
            Route { stand_in: Some(StandIn::Suspended), ..part("s.localhost", instance, SUSPENDED, 0x5) },
            moved("moved.localhost", instance, alone),
            moved("flows.moved.example", instance, alone),
            route("own.localhost", TenantId::generate(), Some(n8n("own").await)),
            Route { purpose: Purpose::Shared, ..route(BASE, instance, Some(n8n("shared").await)) },
        ];
        let table = Arc::new(Mutex::new(routes));
        let polled = Arc::clone(&table);
        let waiting = n8n("page").await.into();
        let settings = Settings { tls: None, waiting, in_flight: 500, tenants: TENANTS.parse().unwrap() };
        let provider = serve(move |_| {
            document(&polled.lock().unwrap(), |_, _| true, &BTreeSet::new(), &settings).to_string()
        })
        .await;
        let edge = HttpEdge::new(&[&format!("http://127.0.0.1:{}", ports.probe)]).unwrap();
        let world = Self { table, edge, traefik: Traefik::start(provider, ports), ports, instance };
        world.in_force().await;
        world
    }

    /// Changes the route of this host, and waits until that is in force.
    pub async fn change(&self, host: &str, change: impl Fn(&mut Route)) {
        for route in self.table.lock().unwrap().iter_mut().filter(|route| route.host.as_str() == host) {
            change(route);
            route.generation += 1;
        }
        self.in_force().await;
    }

    /// Every route is confirmed as it is in the table.
    async fn in_force(&self) {
        let routes = self.table.lock().unwrap().clone();
        for route in routes {
            until(|| self.edge.confirm(&route.host, route.mark().unwrap())).await;
        }
    }

    /// What an n8n hears of a call, or with which status it is refused.
    pub async fn call(&self, host: &str, path: &str) -> Result<Heard, String> {
        self.call_with(host, path, "Connection: close\r\n").await
    }

    /// The same with these lines in its head.
    pub async fn call_with(&self, host: &str, path: &str, lines: &str) -> Result<Heard, String> {
        self.call_from(Ipv4Addr::LOCALHOST.into(), self.ports.web, host, path, lines).await
    }

    /// The same from this address and to this port.
    pub async fn call_from(
        &self,
        from: IpAddr,
        port: u16,
        host: &str,
        path: &str,
        lines: &str,
    ) -> Result<Heard, String> {
        let answer = ask_from(from, port, host, path, lines).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let mut told = body.lines().map(|line| line.trim_start_matches('\u{feff}').to_owned());
        let (by, first) = (told.next().unwrap_or_default(), told.next().unwrap_or_default());
        match first.split(' ').nth(1) {
            Some(path) if status(&answer) == "200" => {
                Ok(Heard { by, path: path.to_owned(), head: told.collect() })
            }
            _ => Err(status(&answer).to_owned()),
        }
    }

    /// Which n8n hears what path.
    pub async fn reaches(&self, host: &str, path: &str) -> Option<(String, String)> {
        self.call(host, path).await.ok().map(|heard| (heard.by, heard.path))
    }

    pub fn had_no_trouble(&self) {
        let logs = self.traefik.logs();
        assert!(!logs.contains(" ERR "), "{logs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn each_tenant_of_a_shared_n8n_has_its_own_webhooks_under_its_own_address() {
    let world = World::start(Ports::from(28_010)).await;
    let by_shared = |path: &str| Some(("shared".to_owned(), path.to_owned()));
    for kind in KINDS {
        for (said, heard) in [
            ("x", "x"),
            ("x/y?a=%2F&b=/webhook/q", "x/y?a=%2F&b=/webhook/q"),
            ("x%2Fy", "x%2Fy"),
            ("a%3Bb%25", "a%3Bb%25"),
            ("%C3%A4/", "%C3%A4/"),
            ("0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f/webhook", "0d4c0ab2-6a0a-4d9c-9a0d-0b6b1c2d3e4f/webhook"),
        ] {
            let expected = by_shared(&format!("/{kind}/{A}/{heard}"));
            for host in ["a.localhost", "flows.a.example"] {
                // With and without the part that the editor shows.
                assert_eq!(world.reaches(host, &format!("/{kind}/{said}")).await, expected);
                assert_eq!(world.reaches(host, &format!("/{kind}/{A}/{said}")).await, expected);
            }
            // Where services call that n8n has told its own address.
            assert_eq!(world.reaches(BASE, &format!("/{kind}/{A}/{said}")).await, expected);
        }
        // Of a path with parameters n8n wants the part twice.
        let twice = format!("/{kind}/{A}/{A}/users/5");
        assert_eq!(world.reaches("a.localhost", &twice).await, by_shared(&twice));
        assert_eq!(
            world.reaches("b.localhost", &format!("/{kind}/x")).await,
            by_shared(&format!("/{kind}/{B}/x"))
        );
        assert_eq!(
            world.reaches("own.localhost", &format!("/{kind}/x")).await,
            Some(("own".to_owned(), format!("/{kind}/x")))
        );
    }
    for path in [
        "/",
        "/workflow/new",
        "/assets/x.js",
        "/rest/login",
        "/rest/workflows/1?x=rest/users",
        "/rest/push",
        "/api/v1/workflows",
        "/webhook-waiting/7?signature=x",
        "/form-waiting/7",
        "/webhooks",
        "/formx/y",
        "/restx",
        "/metricsx",
    ] {
        assert_eq!(world.reaches("a.localhost", path).await, by_shared(path), "{path}");
    }
    of_an_n8n_that_tenants_share_only_their_parts_are_there(&world).await;
    a_suspended_tenant_is_stood_in_for_wherever_it_is_called(&world).await;
    world.had_no_trouble();
}

async fn of_an_n8n_that_tenants_share_only_their_parts_are_there(world: &World) {
    for path in [
        "/webhook-waiting/7?signature=x",
        "/form-waiting/7/x",
        "/form-waiting/7/n8n-execution-status",
        "/webhook-waiting-slack",
        "/webhook-waiting-telegram",
    ] {
        assert_eq!(world.reaches(BASE, path).await, Some(("shared".to_owned(), path.to_owned())));
    }
    let nobody = "aaaaaaaaaaaaaaaa";
    for path in [
        "/",
        "/rest/login",
        "/api/v1/workflows",
        "/signin",
        "/healthz",
        "/metrics",
        "/assets/x.js",
        "/webhook/x",
        "/webhook-waiting",
        "/webhook-waiting/",
        "/form-waiting/",
        "/form-waiting/x",
        "/form-waiting-slack",
        "/webhook-waiting-slack/",
        "/webhook-waiting-telegram/x",
        "/webhook-waiting-x",
        "/form-waiting/7x",
        "/webhook-waiting/7/",
        "/webhook-waiting/7/x/y",
        "/webhook-waiting/7/..%2fx",
        "/webhook-waiting/%37/../x",
        "/WEBHOOK-WAITING/7",
        "/form-waiting/%2f7",
        &format!("/webhook/{nobody}/x"),
        &format!("/webhook/{A}"),
        &format!("/webhook/{A}x/x"),
        &format!("/WEBHOOK/{A}/x"),
        &format!("/webhook/{}/x", A.to_lowercase()),
        &format!("/webhook/{A}/../../rest/login"),
        &format!("/webhook/{A}/..%2f..%2frest/login"),
        "/webhook-waiting/..%2f..%2frest/login",
        &format!("/x/webhook/{A}/x"),
    ] {
        assert_eq!(world.call(BASE, path).await.unwrap_err(), "404", "{path}");
    }
}

async fn a_suspended_tenant_is_stood_in_for_wherever_it_is_called(world: &World) {
    for (host, path) in [
        ("s.localhost", "/"),
        ("s.localhost", "/webhook/x"),
        ("s.localhost", "/rest/login"),
        (BASE, &format!("/webhook/{SUSPENDED}/x")),
        (BASE, &format!("/form/{SUSPENDED}/x")),
    ] {
        let heard = world.call(host, path).await.unwrap();
        assert_eq!(
            (heard.by.as_str(), heard.header("x-rp9-stand-in")),
            ("page", vec!["suspended"]),
            "{host}{path}"
        );
    }
}
