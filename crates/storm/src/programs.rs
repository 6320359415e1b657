//! Which programs run where, and what they are told.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use testkit::{process::Program, services};

use crate::config::Config;

const CLUSTER: &str = "storm";
/// Operations of one worker. Many of them lie still at any moment, because their worker was killed or sleeps; with fewer, the
/// queue would grow and cancellations would meet nothing but what has not begun.
const AT_ONCE: usize = 24;

/// Of which release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    Former,
    Present,
}

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Gateway(usize),
    Worker(usize),
}

impl Place {
    /// The gateways first: a release of which every service brings the schema up does so once.
    pub const ALL: [Self; 4] = [Self::Gateway(0), Self::Gateway(1), Self::Worker(0), Self::Worker(1)];

    /// What its log is called.
    pub fn name(self) -> String {
        match self {
            Self::Gateway(number) => format!("gateway-{}", number + 1),
            Self::Worker(number) => format!("worker-{}", number + 1),
        }
    }

    /// Whether it is a worker.
    pub fn is_worker(self) -> bool {
        matches!(self, Self::Worker(_))
    }

    /// Whether it is the second of its sort.
    pub fn is_second(self) -> bool {
        matches!(self, Self::Gateway(1) | Self::Worker(1))
    }
}

/// What runs there.
pub fn program(config: &Config, place: Place, release: Release) -> Program {
    let log = Some(config.logs.join(format!("{}.log", place.name())));
    let former = config.former.as_ref().filter(|_| release == Release::Former);
    let ours = |present: &PathBuf, name: &str| former.map_or(present.clone(), |former| former.join(name));
    let [gateway_proxy, worker_proxy] = config.proxies();
    match place {
        Place::Gateway(number) => {
            let port = config.gateways()[number % 2];
            let mut variables = connected(services::gateway(port), config, gateway_proxy);
            // Its callers ask as one, again and again; limits would be all it found.
            variables.push(("RATE_LIMIT".into(), "off".into()));
            let (path, ops_port) = (ours(&config.gateway, "gateway"), port + 2);
            Program { path, arguments: Vec::new(), variables, ops_port, log }
        }
        Place::Worker(number) => {
            let mut variables = connected(services::site(CLUSTER), config, worker_proxy);
            variables.push(("STORM_WORLD".into(), format!("http://127.0.0.1:{}", config.world())));
            variables.push(("STORM_LEASE_MS".into(), config.lease.as_millis().to_string()));
            variables.push(("OPERATIONS_AT_ONCE".into(), AT_ONCE.to_string()));
            let (path, ops_port) = (ours(&config.own_path, "storm"), config.workers()[number % 2]);
            Program { path, arguments: vec!["worker".into()], variables, ops_port, log }
        }
    }
}

fn connected(mut variables: Vec<(String, String)>, config: &Config, proxy: u16) -> Vec<(String, String)> {
    let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy));
    variables.push(("DATABASE_URL".into(), config.record_at(proxy)));
    variables.push(("NATS_URL".into(), format!("nats://{}", config.nats)));
    variables
}
