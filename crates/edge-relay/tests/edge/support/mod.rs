//! An edge to try.

mod calls;
mod gateway;
mod instance;
mod issuer;
mod relay;
mod traefik;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    id::TenantId,
    public_address::Scheme,
    tenant::{Color, Purpose},
};
use edge::{Address, Host, Route, Target, Workspace};
use uuid::Uuid;

pub use calls::{Answer, Calls, ask, ask_with, post};
pub use gateway::Gateway;
pub use instance::{Instance, Mode};
pub use issuer::{Issuer, KEEPERS_PASSWORD};
pub use relay::Relay;
pub use traefik::Traefik;

pub const TOKEN: &str = "the-edge-and-nobody-else";
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Where everything listens. Nobody else takes these: they are asked for once and given back at once.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub web: u16,
    pub probe: u16,
    pub inner: u16,
    pub ping: u16,
    pub relay: u16,
    pub waiting: u16,
    pub ops: u16,
    pub tls: u16,
}

impl Ports {
    pub fn free() -> Self {
        let ports: [u16; 8] = testkit::ports::free(8).try_into().unwrap();
        let [web, probe, inner, ping, relay, waiting, ops, tls] = ports;
        Self { web, probe, inner, ping, relay, waiting, ops, tls }
    }
}

/// A gateway, a relay and a Traefik that belong together.
pub struct Edge {
    pub ports: Ports,
    pub gateway: Arc<Gateway>,
    pub relay: Relay,
    pub traefik: Traefik,
}

impl Edge {
    /// With these routes told, and the relay told these variables besides the usual.
    pub async fn start(routes: Vec<Route>, more: &[(&str, &str)]) -> Self {
        Self::at(Ports::free(), routes, more, None).await
    }

    /// By TLS, below `flows.example`, with certificates from an issuer whose are good for so many seconds. The edge takes a second address for
    /// its own where nobody answers.
    pub async fn start_with_issuer(routes: Vec<Route>, good_for: u64) -> (Self, Issuer) {
        let ports = Ports::free();
        let issuer = Issuer::start(ports.web, good_for).await;
        let more = [
            ("EDGE_HSTS_SECONDS", "600".to_owned()),
            ("EDGE_ADDRESSES", "127.0.0.1,127.0.0.9".to_owned()),
            ("DNS_SERVERS", issuer.dns.to_string()),
            ("ACME_EMAIL", "operators@flows.example".to_owned()),
            ("ACME_DNS_PROVIDER", "httpreq".to_owned()),
        ];
        let told: Vec<_> = by_tls(ports, "flows.example").into_iter().chain(more).collect();
        (Self::at(ports, routes, &pairs(&told), Some(&issuer)).await, issuer)
    }

    /// By TLS, with a certificate for nobody.
    pub async fn start_by_tls(ports: Ports, routes: Vec<Route>) -> Self {
        Self::at(ports, routes, &pairs(&by_tls(ports, "localhost")), None).await
    }

    async fn at(ports: Ports, routes: Vec<Route>, more: &[(&str, &str)], issuer: Option<&Issuer>) -> Self {
        let gateway = Gateway::start(routes).await;
        let mut relay = Relay::new(ports, gateway.address, more);
        relay.start();
        let traefik = Traefik::start(ports, issuer).await;
        Self { ports, gateway, relay, traefik }
    }

    /// What a caller of this host gets.
    pub async fn call(&self, host: &str, path: &str) -> Answer {
        ask(self.ports.web, host, path).await
    }

    /// Calls until the answer is as expected, and says how long that took.
    pub async fn until(&self, host: &str, expected: impl Fn(&Answer) -> bool) -> Duration {
        let began = Instant::now();
        loop {
            let answer = self.call(host, "/").await;
            if expected(&answer) {
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "{host}: {answer:?}\n{}", self.traefik.logs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What the relay is told where TLS is spoken.
fn by_tls(ports: Ports, domain: &str) -> [(&'static str, String); 4] {
    [
        ("EDGE_TLS", "on".to_owned()),
        ("TENANT_DOMAIN", domain.to_owned()),
        ("PUBLIC_PORT", ports.tls.to_string()),
        ("EDGE_TLS_PROBE", format!("127.0.0.1:{}", ports.tls)),
    ]
}

fn pairs<'a>(told: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    told.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// A host that leads to this instance.
pub fn route(host: &str, instance: SocketAddr) -> Route {
    let target = Target { color: Color::Blue, url: instance.into(), weight: 1, webhook_weight: None };
    let (host, tenant) = (host.parse().unwrap(), TenantId::generate());
    Route {
        host,
        tenant,
        purpose: Purpose::Customer,
        targets: vec![target],
        workspace: None,
        formerly: None,
        stand_in: None,
        generation: 1,
    }
}

/// An n8n that tenants share, at its own host.
pub fn shared(host: &str, instance: SocketAddr) -> Route {
    Route { purpose: Purpose::Shared, ..route(host, instance) }
}

/// The host of a tenant who shares it, with so many calls an hour. Tenants are numbered.
pub fn part(shared: &Route, number: u128, calls_per_hour: u32) -> Route {
    let host: Host = format!("p{number}.localhost").parse().unwrap();
    let workspace = Workspace {
        instance: shared.tenant,
        prefix: format!("{number:016}").parse().unwrap(),
        user: Uuid::from_u128(number),
        address: Address::of(&host, Scheme::Http, 8000),
        calls_per_hour: calls_per_hour.try_into().unwrap(),
    };
    let (tenant, purpose) = (TenantId::generate(), Purpose::Customer);
    let (targets, workspace, stand_in) = (Vec::new(), Some(workspace), None);
    Route { host, tenant, purpose, targets, workspace, formerly: None, stand_in, generation: 1 }
}
