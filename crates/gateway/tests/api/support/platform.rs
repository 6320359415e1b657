//! Two gateways, as two replicas would be: nothing shared but the record.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use common::{
    bus::{Bus, BusConfig},
    config::Env,
    secrets::Followers,
    service::{Readiness, Tasks},
};
use gateway::{App, Config, Dependencies};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::{Call, Follower, HMAC_SECRET, JWT_SECRET, NEXT_SECRET, Reply};

const EDGE_TOKEN: &str = "the-edge-and-nobody-else";
/// Nothing listens there.
const NO_NATS: &str = "nats://127.0.0.1:1";

/// The platform under test.
pub struct Platform {
    pub database: PgPool,
    second_database: PgPool,
    apps: [App; 2],
    apis: [Router; 2],
    edge: Router,
    tasks: Tasks,
    secrets: Followers,
    pub bus: Bus,
}

impl Platform {
    /// On this record, with the usual configuration and no bus at all.
    pub async fn on(database: PgPool) -> Self {
        Self::configured(database, &[]).await
    }

    /// With these variables changed.
    pub async fn configured(database: PgPool, variables: &[(&str, &str)]) -> Self {
        let bus = bus(NO_NATS).await;
        Self::assemble(database, bus, variables)
    }

    /// With the bus of the test servers.
    pub async fn with_bus(database: PgPool) -> Self {
        let platform = Self::with_bus_at(database, &nats_url()).await;
        let connected = async {
            while !platform.bus.is_connected() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), connected).await.expect("NATS is there");
        platform
    }

    /// With the bus of the test servers, the first gateway telling live events, and these variables changed.
    pub async fn complete(database: PgPool, variables: &[(&str, &str)]) -> Self {
        let platform = Self::assemble(database, bus(&nats_url()).await, variables);
        platform.tell().await;
        platform.start_replays();
        platform
    }

    /// With a bus that may come later.
    pub async fn with_bus_at(database: PgPool, url: &str) -> Self {
        Self::assemble(database, bus(url).await, &[])
    }

    /// With the first gateway telling live events.
    pub async fn telling(database: PgPool) -> Self {
        let platform = Self::on(database).await;
        platform.tell().await;
        platform
    }

    /// Lets the first gateway tell live events.
    pub async fn tell(&self) {
        gateway::start_events(&self.apps[0]);
        self.until_told(0).await;
    }

    /// Lets both send dead letters again.
    pub fn start_replays(&self) {
        self.apps.iter().for_each(gateway::start_replays);
    }

    /// Lets both look at how much waits.
    pub fn watch_pressure(&self) {
        for app in &self.apps {
            gateway::watch_pressure(app);
        }
    }

    /// Lets both do so.
    pub async fn tell_on_both(&self) {
        self.tell().await;
        gateway::start_events(&self.apps[1]);
        self.until_told(1).await;
    }

    async fn until_told(&self, replica: usize) {
        let call = Call::get("/events").by_a("admin");
        let ready = async {
            while self.apis[replica].clone().oneshot(call.clone().build()).await.unwrap().status() == 503 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ready).await.expect("the record was read");
    }

    /// Follows a stream of the first gateway.
    pub async fn follow(&self, call: Call) -> Follower {
        Follower::of(self.api().oneshot(call.build()).await.unwrap())
    }

    /// With a record that nobody answers for.
    pub async fn without_record() -> Self {
        Self::without_record_but(&[]).await
    }

    /// The same with these variables changed.
    pub async fn without_record_but(variables: &[(&str, &str)]) -> Self {
        let nobody = PgConnectOptions::new().host("127.0.0.1").port(1).username("nobody");
        let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(200)).connect_lazy_with(nobody);
        Self::configured(pool, variables).await
    }

    /// Sends a request to a gateway that panics when asked for its metrics.
    pub async fn send_to_broken(&self, call: Call) -> Reply {
        let around = Dependencies {
            database: self.database.clone(),
            bus: self.bus.clone(),
            tasks: self.tasks.clone(),
            readiness: Readiness::default(),
            render_metrics: Arc::new(|| panic!("on purpose")),
            secrets: Followers::default(),
        };
        let app = App::new(config(&[]), around);
        Reply::read(gateway::api(&app).oneshot(call.build()).await.unwrap()).await
    }

    fn assemble(database: PgPool, bus: Bus, variables: &[(&str, &str)]) -> Self {
        let (tasks, secrets) = (Tasks::default(), Followers::default());
        let second_database = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with((*database.connect_options()).clone());
        let app = |database: &PgPool| {
            let around = Dependencies {
                database: database.clone(),
                bus: bus.clone(),
                tasks: tasks.clone(),
                readiness: Readiness::default(),
                render_metrics: Arc::new(|| "# the metrics\n".to_owned()),
                secrets: secrets.clone(),
            };
            App::new(config(variables), around)
        };
        let first = app(&database);
        let apps = [first, app(&second_database)];
        let apis = [gateway::api(&apps[0]), gateway::api(&apps[1])];
        Self { edge: gateway::edge(&apps[0]), apis, apps, database, second_database, tasks, secrets, bus }
    }

    /// Both read their configuration again, and find these variables changed.
    pub fn put_secrets(&self, variables: &[(&str, &str)]) {
        self.secrets.tell(environment(variables));
    }

    /// Sends a request to one of the gateways.
    pub async fn send_to(&self, replica: usize, call: Call) -> Reply {
        Reply::read(self.apis[replica].clone().oneshot(call.build()).await.unwrap()).await
    }

    /// Sends a request to the first gateway.
    pub async fn send(&self, call: Call) -> Reply {
        self.send_to(0, call).await
    }

    /// Asks at the edge's own port.
    pub async fn ask_as_edge(&self, authorization: &str) -> Reply {
        self.send_to_edge(Call::get("/edge/routes.json").header("authorization", authorization)).await
    }

    /// Sends a request to the edge's own port.
    pub async fn send_to_edge(&self, call: Call) -> Reply {
        Reply::read(self.edge.clone().oneshot(call.build()).await.unwrap()).await
    }

    /// The edge's token.
    pub fn edge_authorization() -> String {
        format!("Bearer {EDGE_TOKEN}")
    }

    /// Serves one gateway over a socket, until these tasks are told to stop, with these of its variables.
    pub async fn listen(&self, tasks: &Tasks, sockets: &[(&str, &str)]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sockets = Env::of(sockets.iter().copied()).load().unwrap();
        gateway::serve(tasks, "test", listener, self.api(), sockets);
        address
    }

    /// One gateway's router.
    pub fn api(&self) -> Router {
        self.apis[0].clone()
    }

    /// Stops both gateways, as a signal would: what was promised is written first.
    pub async fn stop(&self) {
        self.tasks.finish(Duration::from_secs(10)).await.expect("every task ends");
        self.second_database.close().await;
    }

    /// Its tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }
}

/// Where the bus of the test servers is.
pub fn nats_url() -> String {
    server("TEST_NATS_URL")
}

/// Where the Redis of the test servers is.
pub fn redis_url() -> String {
    server("TEST_REDIS_URL")
}

fn server(variable: &'static str) -> String {
    Env::of_process()
        .required(variable)
        .unwrap_or_else(|| panic!("{variable} is not set: deploy/servers env"))
}

async fn bus(url: &str) -> Bus {
    let config: BusConfig = Env::of([("NATS_URL", url)]).load().unwrap();
    Bus::connect(&config, "gateway-test").await.unwrap()
}

fn config(variables: &[(&str, &str)]) -> Config {
    environment(variables).load().unwrap()
}

fn environment(variables: &[(&str, &str)]) -> Env {
    let named = format!("next={NEXT_SECRET}");
    let usual = [
        ("JWT_SECRET", JWT_SECRET),
        ("JWT_KEYS", &named),
        ("HMAC_SECRET", HMAC_SECRET),
        ("EDGE_TOKEN", EDGE_TOKEN),
        ("N8N_VERSION", "2.41.1"),
        ("S3_BUCKET", "rp9-backups"),
        ("TENANT_DOMAIN", "localhost"),
        ("PUBLIC_SCHEME", "http"),
        ("PUBLIC_PORT", "8000"),
        // Tests ask as often as they like, except those about limits.
        ("RATE_LIMIT", "off"),
    ];
    Env::of(usual.into_iter().chain(variables.iter().copied()))
}
