//! Where everything is, and how long to look at it. `benches/run` sets all of it.

use std::{path::PathBuf, time::Duration};

use common::config::{Env, Section};
use secrecy::SecretString;

/// What is measured, and with what.
pub struct Config {
    /// The built services.
    pub gateway: PathBuf,
    pub provisioner: PathBuf,
    /// The command that starts the peer.
    pub peer: Vec<String>,
    /// A Postgres of our own, that commits to a real disk.
    pub database_url: SecretString,
    /// An empty database on the same server.
    pub idle_database_url: SecretString,
    pub nats_url: String,
    pub redis_url: String,
    /// The command that runs pgbench against the same database.
    pub pgbench: Vec<String>,
    /// A directory on the disk that Postgres writes to.
    pub disk: PathBuf,
    /// The first of eleven free ports on 127.0.0.1.
    pub port: u16,
    pub rounds: usize,
    /// How long each cell is looked at.
    pub window: Duration,
    /// Part of the names of the cells to look at; all are when it is empty.
    pub cells: String,
    /// Where this tool itself is, to start it as a worker.
    pub own_path: PathBuf,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (gateway, provisioner) = (env.required("BENCH_GATEWAY"), env.required("BENCH_PROVISIONER"));
        let peer = env.required::<String>("BENCH_PEER");
        let database_url = env.secret("DATABASE_URL");
        let idle_database_url = env.secret("BENCH_IDLE_DATABASE_URL");
        let nats_url = env.required("NATS_URL");
        let (redis_url, pgbench) = (env.required("BENCH_REDIS_URL"), env.required::<String>("BENCH_PGBENCH"));
        let (disk, port) = (env.required("BENCH_DISK"), env.or("BENCH_PORT", 28100));
        let (rounds, seconds) = (env.or("BENCH_ROUNDS", 3), env.or("BENCH_SECONDS", 6));
        let cells = env.or("BENCH_CELLS", String::new());
        let own_path = match std::env::current_exe() {
            Ok(path) => Some(path),
            Err(error) => env.problem(format!("this program does not know where it is: {error}")),
        };
        Some(Self {
            gateway: gateway?,
            provisioner: provisioner?,
            peer: words(&peer?),
            database_url: database_url?,
            idle_database_url: idle_database_url?,
            nats_url: nats_url?,
            redis_url: redis_url?,
            pgbench: words(&pgbench?),
            disk: disk?,
            port: port?,
            rounds: rounds?,
            window: Duration::from_secs(seconds?),
            cells: cells?,
            own_path: own_path?,
        })
    }
}

impl Config {
    /// Whether this cell is to be looked at.
    pub fn wants(&self, cell: &str) -> bool {
        cell.contains(&self.cells)
    }

    /// Whether every cell is.
    pub fn wants_all(&self) -> bool {
        self.cells.is_empty()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
