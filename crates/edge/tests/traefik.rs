//! The document and the probe against a real Traefik.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use common::tenant::{Color, Purpose};
use edge::health::{Side, Sighting};
use edge::probe::Prober;
use edge::{
    Answerer, Edge as _, EdgeError, Host, HttpEdge, Mark, Route, Settings, StandIn, Target, document,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const WEB: u16 = 28_000;
const PROBE: u16 = 28_001;
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers every request with what `body` gives at that moment.
async fn serve(body: impl Fn() -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = Arc::new(body);
    #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let body = Arc::clone(&body);
            tokio::spawn(async move {
                let mut request = [0; 8192];
                let read = stream.read(&mut request).await;
                let body = body();
                // An instance cannot pass for another: the edge writes its own mark over this one.
                let head = "HTTP/1.1 200 OK\r\nx-rp9-route: forged\r\nconnection: close\r\ncontent-length: ";
                let answer = format!("{head}{}\r\n\r\n{body}", body.len());
                if read.is_ok() {
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            });
        }
    });
    address
}

/// The whole answer to a request for exactly this path: no client that tidies it first.
async fn ask(port: u16, host: &str, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return String::new() };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer).await);
    answer
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn image() -> &'static str {
    let pins = include_str!("../../../deploy/images/pins").lines();
    pins.filter_map(|line| line.strip_prefix("TRAEFIK_IMAGE=")).next().expect("the image is pinned")
}

/// A Traefik on the host's network that ends with the test.
struct Traefik(String);

impl Traefik {
    fn start(provider: SocketAddr) -> Self {
        let name = format!("rp9-test-{}", common::id::OperationId::generate().digits());
        let flags = [
            format!("--entrypoints.web.address=127.0.0.1:{WEB}"),
            format!("--entrypoints.probe.address=127.0.0.1:{PROBE}"),
            format!("--providers.http.endpoint=http://{provider}/"),
            "--providers.http.pollInterval=200ms".into(),
            "--providers.providersThrottleDuration=0".into(),
            "--global.checkNewVersion=false".into(),
            "--global.sendAnonymousUsage=false".into(),
            "--log.level=DEBUG".into(),
        ];
        let run = ["run", "--detach", "--rm", "--network", "host", "--name", &name, image()];
        let output = Command::new("docker").args(run).args(flags).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(name)
    }

    fn logs(&self) -> String {
        let output = Command::new("docker").args(["logs", &self.0]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

impl Drop for Traefik {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rm", "--force", &self.0]).output());
    }
}

/// Asks until it is so, and says what the last answer was if that never happens.
async fn until<F: Future<Output = Result<(), EdgeError>>>(mut ask: impl FnMut() -> F) {
    let mut last = None;
    let waiting = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            match ask().await {
                Ok(()) => return,
                Err(error) => last = Some(error),
            }
        }
    };
    let done = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
    assert!(done, "{last:?}");
}

fn route(host: &str, tenant: TenantId, generation: i64, targets: &[(Color, SocketAddr, u16)]) -> Route {
    let target = |(color, url, weight): &(Color, SocketAddr, u16)| Target {
        color: *color,
        url: (*url).into(),
        weight: *weight,
    };
    let targets = targets.iter().map(target).collect();
    let purpose = Purpose::Customer;
    Route { host: host.parse().unwrap(), tenant, purpose, targets, stand_in: None, generation }
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
        let waiting = serve(|| "I stand in".into()).await.into();
        let settings = Settings { tls: None, waiting, in_flight: 500 };
        let provider =
            serve(move || document(&polled.lock().unwrap(), |_, _| true, &settings).to_string()).await;
        Self {
            table,
            edge: HttpEdge::new(&[&format!("http://127.0.0.1:{PROBE}")]).unwrap(),
            traefik: Traefik::start(provider),
            host: "acme.localhost".parse().unwrap(),
            tenant: TenantId::generate(),
            blue: serve(|| "I am blue".into()).await,
            green: serve(|| "I am green".into()).await,
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
        assert_eq!(status(&ask(WEB, "acme.localhost", path).await), "404", "{path}");
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

/// Whatever the mark says.
async fn an_absent_side_is_not_confirmed(world: &World) {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let mark = world.publish(4, &[(Color::Blue, closed, 1)]);
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
    let active = route("acme.localhost", world.tenant, 5, &[(Color::Blue, world.blue, 1)]);
    let (before, side) = (active.mark().unwrap(), Side::of(&active, Color::Blue));
    let suspended = Route { stand_in: Some(StandIn::Suspended), generation: 6, ..active };
    let mark = suspended.mark().unwrap();
    *world.table.lock().unwrap() = vec![suspended];
    world.confirmed(mark).await;
    assert!(world.edge.confirm(&world.host, before).await.is_err());
    assert!(ask(WEB, "acme.localhost", "/webhook/x").await.contains("I stand in"));
    assert_eq!(status(&ask(WEB, "acme.localhost", "/metrics").await), "404");
    let prober = Prober::through(&format!("http://127.0.0.1:{PROBE}")).unwrap();
    assert_eq!(prober.look(&side, before).await, Sighting::NotSeen);
    let mark = world.publish(7, &[(Color::Blue, world.blue, 1)]);
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
