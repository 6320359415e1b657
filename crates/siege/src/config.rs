//! How long, and with what. `just siege` sets what has no default.

use std::{path::PathBuf, time::Duration};

use common::config::{Env, Section};
use secrecy::SecretString;

/// One siege.
#[derive(Debug)]
pub struct Config {
    /// Of each phase; more than a connection has for its headers, or nobody would be seen being closed.
    pub length: Duration,
    pub gateway: PathBuf,
    /// A server on which a database can be made.
    pub database: SecretString,
    /// Where callers are counted.
    pub redis: String,
    /// The first of three free ports on 127.0.0.1.
    pub port: u16,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (seconds, port) = (env.or("SIEGE_SECONDS", 15), env.or("SIEGE_PORT", 28400));
        let (gateway, database) = (env.required("SIEGE_GATEWAY"), env.secret("DATABASE_URL"));
        let redis = env.required("TEST_REDIS_URL");
        Some(Self {
            length: Duration::from_secs(seconds?),
            gateway: gateway?,
            database: database?,
            redis: redis?,
            port: port?,
        })
    }
}
