//! How long, how hard and with what. `deploy/storm` sets all of it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use common::config::{Env, Section};

use crate::{
    choice::{Mix, Verbs},
    fault::Faults,
};

/// One storm.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long tenants are asked for and things are broken.
    pub length: Duration,
    /// Requests a second, cancellations beside them.
    pub rate: u32,
    /// Whether tenants are restarted, suspended, resumed and scaled, too.
    pub verbs: Verbs,
    /// Decides what is asked, broken and when. The same seed asks for the same in the same order; what is interrupted by it
    /// depends on the machine.
    pub seed: u64,
    /// What is broken.
    pub faults: Faults,
    /// How long a worker's lease lasts.
    pub lease: Duration,
    pub gateway: PathBuf,
    /// The programs of a former release, `gateway` and `storm`, and its `migrations`, if the storm is to go over two releases.
    pub former: Option<PathBuf>,
    /// Where this program itself is, to start it as a worker.
    pub own_path: PathBuf,
    /// Our own Postgres, reached directly.
    pub postgres: SocketAddr,
    /// What follows the address in its URL: the database's name.
    pub postgres_login: String,
    pub nats: SocketAddr,
    /// Starts and kills our servers: `<servers> nats wipe|start`, `<servers> postgres kill|start`.
    pub servers: PathBuf,
    /// The first of sixteen free ports on 127.0.0.1, below those that outgoing connections take: a killed service must get its own back.
    pub port: u16,
    /// Where the services' logs go.
    pub logs: PathBuf,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (length, rate) = (env.or("STORM_SECONDS", 600), env.or("STORM_RATE", 20));
        let (seed, lease) =
            (env.or("STORM_SEED", fastrand::u64(..1_000_000)), env.or("STORM_LEASE_MS", 3000));
        let (faults, gateway) = (env.or("STORM_FAULTS", Faults::default()), env.required("STORM_GATEWAY"));
        let former = env.optional("STORM_FORMER_PROGRAMS");
        let (postgres, login) = (env.required("STORM_POSTGRES"), env.required("STORM_POSTGRES_LOGIN"));
        let (nats, servers) = (env.required("STORM_NATS"), env.required("STORM_SERVERS"));
        let (port, logs) = (env.or("STORM_PORT", 28200), env.required("STORM_LOGS"));
        let own_path = match std::env::current_exe() {
            Ok(path) => Some(path),
            Err(error) => env.problem(format!("this program does not know where it is: {error}")),
        };
        let verbs = env.or("STORM_VERBS", Verbs::On);
        if rate == Some(0) {
            return env.problem("STORM_RATE must be at least 1".into());
        }
        Some(Self {
            length: Duration::from_secs(length?),
            rate: rate?,
            verbs: verbs?,
            seed: seed?,
            faults: faults?,
            lease: Duration::from_millis(lease?),
            gateway: gateway?,
            former: former?,
            own_path: own_path?,
            postgres: postgres?,
            postgres_login: login?,
            nats: nats?,
            servers: servers?,
            port: port?,
            logs: logs?,
        })
    }
}

impl Config {
    /// What is asked for.
    pub fn mix(&self) -> Mix {
        Mix::of(self.verbs)
    }

    /// The ports of the two gateways' APIs; each has its edge's and its operators' behind it.
    pub fn gateways(&self) -> [u16; 2] {
        [self.port, self.port + 3]
    }

    /// The workers' operators' ports.
    pub fn workers(&self) -> [u16; 2] {
        [self.port + 6, self.port + 7]
    }

    /// Where the gateways and the workers find Postgres: the proxies.
    pub fn proxies(&self) -> [u16; 2] {
        [self.port + 8, self.port + 9]
    }

    /// Where the world answers.
    pub fn world(&self) -> u16 {
        self.port + 10
    }

    /// The record as it is reached at this address.
    pub fn record_at(&self, address: SocketAddr) -> String {
        let (user, database) =
            self.postgres_login.split_once('/').unwrap_or((&self.postgres_login, "postgres"));
        format!("postgres://{user}@{address}/{database}?sslmode=disable")
    }
}
