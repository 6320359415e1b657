//! The figures, and where they are counted.

use std::{fmt, time::Duration};

use common::config::{Env, Section};
use redis::{Client, IntoConnectionInfo, io::tcp::TcpSettings};
use secrecy::ExposeSecret;

use super::policy::{Figures, Quota};

/// Long enough that a minute's work fits, short enough to wait for.
const WINDOW_SECONDS: u64 = 60;
const LONGEST_WINDOW_SECONDS: u64 = 24 * 60 * 60;
/// Hundreds of round trips inside one data centre; as much as a request should ever wait for a counter.
const TIMEOUT_MS: u64 = 50;

/// What limiting needs.
pub struct RateConfig {
    pub redis: Client,
    pub figures: Figures,
    /// How long a request waits for the count.
    pub patience: Duration,
}

impl fmt::Debug for RateConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the client, which knows a password.
        f.debug_struct("RateConfig").field("figures", &self.figures).finish_non_exhaustive()
    }
}

impl RateConfig {
    /// Reads it; the inner `None` is no limit at all, which somebody must have asked for.
    pub fn read(env: &mut Env) -> Option<Option<Self>> {
        if !env.switch("RATE_LIMIT", true)? {
            return Some(None);
        }
        let redis = redis(env);
        let window = seconds(env);
        let owner = figure(env, "RATE_LIMIT_OWNER", "600");
        // One portal asks for all its customers under one name.
        let staff = figure(env, "RATE_LIMIT_STAFF", "30000");
        let change = figure(env, "RATE_LIMIT_CHANGE", "60");
        let read = figure(env, "RATE_LIMIT_READ", "1200");
        let patience = env.or("RATE_LIMIT_TIMEOUT_MS", TIMEOUT_MS);
        let figures = Figures { window: window?, owner: owner?, staff: staff?, change: change?, read: read? };
        Some(Some(Self { redis: redis?, figures, patience: Duration::from_millis(patience?) }))
    }
}

/// How Redis is entered; `None` where nobody is limited.
pub struct RedisLogin(pub Option<Client>);

impl Section for RedisLogin {
    fn read(env: &mut Env) -> Option<Self> {
        match env.switch("RATE_LIMIT", true)? {
            true => redis(env).map(Some).map(Self),
            false => Some(Self(None)),
        }
    }
}

fn figure(env: &mut Env, name: &str, default: &str) -> Option<Quota> {
    let default = default.parse().ok()?;
    env.or(name, default)
}

fn seconds(env: &mut Env) -> Option<Duration> {
    let seconds = env.or("RATE_LIMIT_WINDOW_SECONDS", WINDOW_SECONDS)?;
    if (1..=LONGEST_WINDOW_SECONDS).contains(&seconds) {
        Some(Duration::from_secs(seconds))
    } else {
        env.problem(format!("RATE_LIMIT_WINDOW_SECONDS must be 1 to {LONGEST_WINDOW_SECONDS}"))
    }
}

fn redis(env: &mut Env) -> Option<Client> {
    let url = env.secret("REDIS_URL")?;
    match client(url.expose_secret()) {
        Ok(client) => Some(client),
        // Without the cause: it could repeat the URL, and with it the password.
        Err(_) => env.problem("REDIS_URL is not valid".into()),
    }
}

fn client(url: &str) -> redis::RedisResult<Client> {
    let info = url.into_connection_info()?;
    // Questions are small and somebody waits for each: filling a packet only delays them.
    let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    // The login may count and nothing else, not even name its connection.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    Client::open(info.set_redis_settings(settings))
}
