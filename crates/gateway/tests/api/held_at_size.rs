//! Calls are held by the thousand while gateways are killed and everybody's connections to the record are cut: what was promised is delivered, of each path in
//! its order, and nothing a second time without saying so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::{IntoResponse as _, Response},
};
use common::id::TenantId;
use edge::{
    document::WAITING_HEADER,
    held::{DELIVERY_HEADER, TOKEN_HEADER},
};
use futures::future;
use http::StatusCode;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sqlx::PgPool;
use testkit::{effort, services::EDGE_TOKEN};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Replica, free_port};

const PATHS: usize = 3;

/// Of how many tenants, how many of each path, and how often somebody is killed.
struct Size {
    tenants: usize,
    calls: u32,
    kills: usize,
}

fn size() -> Size {
    Size {
        tenants: effort::times(20, 100),
        calls: u32::try_from(effort::times(5, 46)).unwrap(),
        kills: effort::times(3, 10),
    }
}

/// One of a path's calls as it arrived: the how many-th of them it is, and the how many-th time.
type Arrived = (u32, u32);

/// What stands before the tenants' n8ns: a page until they are back.
#[derive(Default)]
struct Edge {
    are_back: AtomicBool,
    arrived: Mutex<BTreeMap<String, Vec<Arrived>>>,
    count: AtomicUsize,
}

impl Edge {
    async fn listen(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, edge) = (format!("http://{}", listener.local_addr().unwrap()), self.clone());
        let router = Router::new().fallback(move |request: Request| {
            let edge = edge.clone();
            async move { edge.answer(request).await }
        });
        #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    async fn answer(&self, request: Request) -> Response {
        if !self.are_back.load(Ordering::SeqCst) {
            return (StatusCode::SERVICE_UNAVAILABLE, [(WAITING_HEADER, "not-ready")]).into_response();
        }
        let (parts, body) = request.into_parts();
        let header = |name: &str| parts.headers[name].to_str().unwrap();
        let path = format!("{}{}", header("host"), parts.uri);
        let times = header(DELIVERY_HEADER).parse().unwrap();
        let body = to_bytes(body, 64).await.unwrap();
        let number = std::str::from_utf8(&body).unwrap().parse().unwrap();
        self.arrived.lock().unwrap().entry(path).or_default().push((number, times));
        self.count.fetch_add(1, Ordering::SeqCst);
        "ran".into_response()
    }
}

/// Two gateways, one of which is killed now and then.
struct Gateways {
    replicas: [Replica; 2],
    ports: [u16; 2],
}

impl Gateways {
    async fn start(database: &PgPool, edge: &str) -> Self {
        let ports = [free_port(), free_port()];
        let replica = async |port: u16| {
            let bind = format!("127.0.0.1:{port}");
            let variables =
                [("HOLDER_BIND", bind.as_str()), ("HOLDER_EDGE_URL", edge), ("HOLDER_WAIT_SECONDS", "1")];
            Replica::start(database, &variables, None).await
        };
        let (one, other) = future::join(replica(ports[0]), replica(ports[1])).await;
        Self { replicas: [one, other], ports }
    }

    /// Kills one of them, and cuts everybody off from the record, as a restart of it does.
    async fn kill(&mut self, database: &PgPool, round: usize) {
        let victim = &mut self.replicas[round % 2];
        victim.kill().await;
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        // Whoever asks may be among those who are cut off.
        let _ = sqlx::query(cut).execute(database).await;
        victim.restart().await;
    }
}

fn host(tenant: usize) -> String {
    format!("t{tenant}.localhost")
}

async fn tenants(database: &PgPool, count: usize) {
    for tenant in 0..count {
        let id = TenantId::generate();
        for insert in [
            "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
             values ($1, 'Acme', 'ada@acme.example', $2, 'dedicated', 'active', 'pro', '2.41.1')",
            "insert into routes (host, tenant_id, targets, generation) values ($2 || '.localhost', $1, '[]', 1)",
        ] {
            sqlx::query(insert).bind(id).bind(format!("t{tenant}")).execute(database).await.unwrap();
        }
    }
}

/// What the relay does. The answer's status, if there was a whole one.
async fn send(port: u16, (host, path): (&str, &str), number: u32) -> Option<u16> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::post(path)
        .header("host", host)
        .header("connection", "close")
        .header(TOKEN_HEADER, format!("Bearer {EDGE_TOKEN}"))
        .body(Body::from(number.to_string()))
        .unwrap();
    let exchange = async move {
        let answer = sender.send_request(request).await.ok()?;
        let status = answer.status().as_u16();
        to_bytes(Body::new(answer.into_body()), 4096).await.ok()?;
        Some(status)
    };
    future::join(exchange, connection).await.0
}

/// Whoever calls this path, one call after the other. Returns those that were promised to be delivered.
async fn call(ports: [u16; 2], (host, path): (&str, &str), calls: u32, promised: &AtomicUsize) -> Vec<u32> {
    let mut kept = Vec::new();
    for number in 0..calls {
        let port = ports[fastrand::usize(..2)];
        // One that nobody answered may have been held, or not: its sender knows no better.
        if let Some(202) = send(port, (host, path), number).await {
            kept.push(number);
            promised.fetch_add(1, Ordering::SeqCst);
        }
    }
    kept
}

/// Whenever so many more have come, somebody is killed.
async fn kill_meanwhile(
    (gateways, database): (&mut Gateways, &PgPool),
    kills: usize,
    (so_far, all): (&AtomicUsize, usize),
) {
    for round in 0..kills {
        let due = all * (round + 1) / (kills + 2);
        while so_far.load(Ordering::SeqCst) < due {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gateways.kill(database, round).await;
    }
}

async fn all_are_delivered(database: &PgPool) {
    let left = "select count(*) from held_calls where state in ('held', 'delivering')";
    let ends = async {
        loop {
            let left: Result<i64, _> = sqlx::query_scalar(left).fetch_one(database).await;
            if left.is_ok_and(|left| left == 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(600), ends).await.expect("all of them end");
    let dead = "select count(*) from held_calls where state <> 'delivered'";
    let dead: i64 = sqlx::query_scalar(dead).fetch_one(database).await.unwrap();
    assert_eq!(dead, 0);
}

/// Everything that was promised arrived; what arrived once more said so; and what arrived at once did so in its order.
fn is_right(path: &str, promised: &[u32], arrived: &[Arrived]) {
    let numbers: BTreeSet<u32> = arrived.iter().map(|(number, _)| *number).collect();
    let lost: Vec<_> = promised.iter().filter(|number| !numbers.contains(number)).collect();
    assert_eq!(lost, Vec::<&u32>::new(), "{path}: promised, and never delivered");
    let told: BTreeSet<_> = arrived.iter().collect();
    assert_eq!(told.len(), arrived.len(), "{path}: twice without saying so: {arrived:?}");
    let at_once: Vec<_> =
        arrived.iter().filter(|(_, times)| *times == 1).map(|(number, _)| *number).collect();
    assert!(at_once.is_sorted(), "{path}: {arrived:?}");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_was_promised_is_delivered_whoever_is_killed_meanwhile(database: PgPool) {
    let Size { tenants: count, calls, kills } = size();
    tenants(&database, count).await;
    let edge = Arc::new(Edge::default());
    let mut gateways = Gateways::start(&database, &edge.listen().await).await;
    let ports = gateways.ports;
    let all = count * PATHS * usize::try_from(calls).unwrap();
    let promises = AtomicUsize::new(0);
    let callers = (0..count * PATHS).map(|n| {
        let (host, path) = (host(n / PATHS), format!("/webhook/p{}", n % PATHS));
        let promises = &promises;
        async move { (format!("{host}{path}"), call(ports, (&host, &path), calls, promises).await) }
    });
    let killing = kill_meanwhile((&mut gateways, &database), kills.div_ceil(2), (&promises, all));
    let (promised, ()) = future::join(future::join_all(callers), killing).await;

    edge.are_back.store(true, Ordering::SeqCst);
    kill_meanwhile((&mut gateways, &database), kills / 2, (&edge.count, promises.load(Ordering::SeqCst)))
        .await;
    all_are_delivered(&database).await;
    let arrived = edge.arrived.lock().unwrap();
    for (path, promised) in &promised {
        is_right(path, promised, arrived.get(path).map(Vec::as_slice).unwrap_or_default());
    }
    let again = arrived.values().flatten().filter(|(_, times)| *times > 1).count();
    println!(
        "{all} calls, {} promised, {} arrived, {again} of them more than once, {kills} kills",
        promises.load(Ordering::SeqCst),
        edge.count.load(Ordering::SeqCst)
    );
}
