//! Tenants with an n8n of their own.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use common::tenant::{Color, Purpose};
use edge::calls::{CallCounters as _, HttpCounters};
use edge::health::{Side, Sighting};
use edge::probe::Prober;
use edge::{
    Answerer, Edge as _, EdgeError, Host, HttpEdge, Mark, Route, Settings, StandIn, Target, document,
};
use tokio::net::TcpListener;

use crate::support::{Ports, Traefik, ask, serve, status, until};

const PORTS: Ports = Ports::from(28_000);
const WEB: u16 = PORTS.web;
const PROBE: u16 = PORTS.probe;

fn route(host: &str, tenant: TenantId, generation: i64, targets: &[(Color, SocketAddr, u16)]) -> Route {
    let target = |(color, url, weight): &(Color, SocketAddr, u16)| Target {
        color: *color,
        url: (*url).into(),
        weight: *weight,
        webhook_weight: None,
    };
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

/// A Traefik, the table it follows, and two sides of a tenant.
struct World {
    table: Arc<Mutex<Vec<Route>>>,
    edge: HttpEdge,
    traefik: Traefik,
    host: Host,
    tenant: TenantId,
    blue: SocketAddr,
    green: SocketAddr,
}

impl World {
    async fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let table = Arc::new(Mutex::new(Vec::<Route>::new()));
        let polled = Arc::clone(&table);
        let waiting = serve(|_| "I stand in".into()).await.into();
        let settings =
            Settings { tls: None, waiting, in_flight: 500, tenants: "10.201.0.0/16".parse().unwrap() };
        let provider = serve(move |_| {
            document(&polled.lock().unwrap(), |_, _| true, &BTreeSet::new(), &settings).to_string()
        })
        .await;
        Self {
            table,
            edge: HttpEdge::new(&[&format!("http://127.0.0.1:{PROBE}")]).unwrap(),
            traefik: Traefik::start(provider, PORTS),
            host: "acme.localhost".parse().unwrap(),
            tenant: TenantId::generate(),
            blue: serve(|_| "I am blue".into()).await,
            green: serve(|_| "I am green".into()).await,
        }
    }

    /// Puts this route in the table, alone, and returns the mark to expect of it.
    fn publish(&self, generation: i64, targets: &[(Color, SocketAddr, u16)]) -> Mark {
        let route = route("acme.localhost", self.tenant, generation, targets);
        let mark = route.mark().unwrap();
        *self.table.lock().unwrap() = vec![route];
        mark
    }

    async fn confirmed(&self, mark: Mark) {
        until(|| self.edge.confirm(&self.host, mark)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn routes_are_served_switched_refused_and_forgotten() {
    let world = World::start().await;
    // An empty document is taken, and every host is unknown.
    until(|| world.edge.confirm_gone(&world.host)).await;
    let mark = world.publish(1, &[(Color::Blue, world.blue, 1)]);
    world.confirmed(mark).await;
    let answer = ask(WEB, "acme.localhost", "/").await;
    assert!(answer.contains("I am blue") && answer.to_lowercase().contains(&format!("x-rp9-route: {mark}")));
    assert!(!answer.contains("forged"));
    world.edge.confirm_gone(&"other.localhost".parse().unwrap()).await.unwrap();
    assert!(world.edge.confirm_gone(&world.host).await.is_err());

    private_paths_are_refused().await;
    unknown_hosts_are_refused().await;
    a_side_is_seen(&world, mark, world.blue, Sighting::Ready).await;
    switches_are_seen(&world, mark).await;
    webhooks_are_shared_out_by_themselves(&world).await;
    an_absent_side_is_not_confirmed(&world).await;
    a_stand_in_answers_for_a_tenant(&world).await;

    world.table.lock().unwrap().clear();
    until(|| world.edge.confirm_gone(&world.host)).await;
    let logs = world.traefik.logs();
    assert!(!logs.contains(" ERR "), "{logs}");
}

/// In every spelling that n8n answers and some that it does not.
async fn private_paths_are_refused() {
    let private = [
        "/metrics",
        "/metrics/",
        "/METRICS",
        "/Metrics?x=1",
        "//metrics",
        "/./metrics",
        "/x/../metrics",
        "/%6detrics",
        "/metrics/x",
        "/metrics%2F",
        "/metrics%2f..%2fx",
        "/metrics;x",
        "/metrics%3Bx",
        "/metrics%00",
        "/metrics.",
        "/metrics%20",
        "/%2Fmetrics",
        "///metrics",
        "/%2e/metrics",
        "/%6D%65%74%72%69%63%73",
        "/healthz",
        "/healthz/readiness",
        "/HEALTHZ/readiness",
        "//healthz",
    ];
    for path in private {
        // No deployment takes the one that ends a text in C.
        let expected = if path.contains("%00") { "400" } else { "404" };
        assert_eq!(status(&ask(WEB, "acme.localhost", path).await), expected, "{path}");
    }
    let public = ["/webhook/metrics", "/metricsx", "/healthzx", "/metrics-x", "/rest/healthz", "/?metrics"];
    for path in public.into_iter().chain(["/webhook/a%2Fb", "/webhook/a%2Fmetrics", "/webhook/a%3Bb%25"]) {
        assert!(ask(WEB, "acme.localhost", path).await.contains("I am blue"), "{path}");
    }
    // The inner entrypoint answers its one path and is no way round the refusals: containers reach it too.
    assert!(ask(PROBE, "acme.localhost", "/healthz/readiness").await.contains("I am blue"));
    for path in ["/", "/metrics", "/healthz", "/healthz/readiness/", "/rest/login", "/webhook/x"] {
        assert_eq!(status(&ask(PROBE, "acme.localhost", path).await), "404", "{path}");
    }
}

/// Alone, and only by whoever has heard of this very route.
async fn a_side_is_seen(world: &World, mark: Mark, url: SocketAddr, expected: Sighting) {
    let route = route("acme.localhost", world.tenant, mark.generation, &[(Color::Blue, url, 1)]);
    let side = Side::of(&route, Color::Blue);
    let prober = Prober::through(&format!("http://127.0.0.1:{PROBE}")).unwrap();
    assert_eq!(prober.look(&side, mark).await, expected);
    let newer = Mark { generation: mark.generation + 1, ..mark };
    assert_eq!(prober.look(&side, newer).await, Sighting::NotSeen);
    let nobody = Prober::through("http://127.0.0.1:1").unwrap();
    assert_eq!(nobody.look(&side, mark).await, Sighting::NotSeen);
}

async fn unknown_hosts_are_refused() {
    for host in ["other.localhost", "localhost", "x.acme.localhost", "acme.localhost.evil", ""] {
        assert_ne!(status(&ask(WEB, host, "/").await), "200", "{host}");
    }
}

/// Confirmed only once it is in force, and then for everybody.
async fn switches_are_seen(world: &World, before: Mark) {
    let mark = world.publish(2, &[(Color::Green, world.green, 1)]);
    world.confirmed(mark).await;
    assert!(ask(WEB, "acme.localhost", "/").await.contains("I am green"));
    assert!(world.edge.confirm(&world.host, before).await.is_err());
    let mark = world.publish(3, &[(Color::Blue, world.blue, 1), (Color::Green, world.green, 3)]);
    world.confirmed(mark).await;
    let mut seen = [0, 0];
    for _ in 0..40 {
        seen[usize::from(ask(WEB, "acme.localhost", "/").await.contains("I am green"))] += 1;
    }
    assert_eq!(seen, [10, 30]);
}

/// And counted so. Everything else is the one side's, or nobody's while that has no main.
async fn webhooks_are_shared_out_by_themselves(world: &World) {
    let sides = [(Color::Blue, world.blue, 1), (Color::Green, world.green, 0)];
    let mut parted = route("acme.localhost", world.tenant, 4, &sides);
    (parted.targets[0].webhook_weight, parted.targets[1].webhook_weight) = (Some(3), Some(1));
    let mark = parted.mark().unwrap();
    *world.table.lock().unwrap() = vec![parted.clone()];
    world.confirmed(mark).await;
    let of_green = async |path: &str, calls: usize| {
        let mut seen = 0;
        for _ in 0..calls {
            seen += usize::from(ask(WEB, "acme.localhost", path).await.contains("I am green"));
        }
        seen
    };
    for path in ["/webhook/x", "/form/x", "/webhook-waiting/1", "/WEBHOOK/x", "//webhook/x"] {
        assert_eq!(of_green(path, 8).await, 2, "{path}");
    }
    for path in ["/", "/rest/login", "/webhook-test/x", "/webhookx"] {
        assert_eq!(of_green(path, 4).await, 0, "{path}");
    }
    let url = format!("http://127.0.0.1:{}/metrics", PORTS.metrics).parse().unwrap();
    let reading = HttpCounters::new(url, "password".into()).unwrap().read().await.unwrap();
    let answered = |color| {
        let mut own = reading.sides.iter().filter(|(side, _)| side.webhooks && side.color == color);
        own.next().map(|(_, answers)| (answers.calls, answers.failed, answers.p95_ms().is_some()))
    };
    assert_eq!((answered(Color::Blue), answered(Color::Green)), (Some((30, 0, true)), Some((10, 0, true))));

    let alone = Route { targets: parted.targets[1..].to_vec(), generation: 5, ..parted };
    let mark = alone.mark().unwrap();
    *world.table.lock().unwrap() = vec![alone];
    world.confirmed(mark).await;
    assert_eq!(of_green("/webhook/x", 4).await, 4);
    assert!(ask(WEB, "acme.localhost", "/rest/login").await.contains("I stand in"));
    assert!(ask(PROBE, "acme.localhost", "/healthz/readiness").await.contains("I am green"));
}

/// Whatever the mark says.
async fn an_absent_side_is_not_confirmed(world: &World) {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let mark = world.publish(6, &[(Color::Blue, closed, 1)]);
    let expected = format!("502 {mark}");
    until(|| async {
        match world.edge.confirm(&world.host, mark).await {
            Err(EdgeError::NotYet { seen }) if seen == expected => Ok(()),
            other => Err(EdgeError::NotYet { seen: format!("{other:?}") }),
        }
    })
    .await;
    a_side_is_seen(world, mark, closed, Sighting::NotReady).await;
}

/// Confirmed as what it is, with the sides out of reach.
async fn a_stand_in_answers_for_a_tenant(world: &World) {
    let active = route("acme.localhost", world.tenant, 7, &[(Color::Blue, world.blue, 1)]);
    let (before, side) = (active.mark().unwrap(), Side::of(&active, Color::Blue));
    let suspended = Route { stand_in: Some(StandIn::Suspended), generation: 8, ..active };
    let mark = suspended.mark().unwrap();
    *world.table.lock().unwrap() = vec![suspended];
    world.confirmed(mark).await;
    assert!(world.edge.confirm(&world.host, before).await.is_err());
    assert!(ask(WEB, "acme.localhost", "/webhook/x").await.contains("I stand in"));
    assert_eq!(status(&ask(WEB, "acme.localhost", "/metrics").await), "404");
    let prober = Prober::through(&format!("http://127.0.0.1:{PROBE}")).unwrap();
    assert_eq!(prober.look(&side, before).await, Sighting::NotSeen);
    let mark = world.publish(9, &[(Color::Blue, world.blue, 1)]);
    world.confirmed(mark).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn an_edge_that_is_away_is_worth_another_try() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let edge = HttpEdge::new(&["http://127.0.0.1:1"]).unwrap();
    let host: Host = "acme.localhost".parse().unwrap();
    let mark = Mark { tenant: TenantId::generate(), answerer: Answerer::Side(Color::Blue), generation: 1 };
    assert_eq!(edge.confirm(&host, mark).await.unwrap_err().kind(), Kind::Unavailable);
    assert!(matches!(edge.confirm_gone(&host).await, Err(EdgeError::Unavailable(_))));
}
