//! What the holder is told at start.

use std::{net::SocketAddr, num::NonZeroU16};

use common::config::{Env, Section};
use url::Url;

/// Senders of webhooks give up after 10 to 30 seconds.
const WAIT: NonZeroU16 = NonZeroU16::new(25).unwrap();
/// Over a weekend somebody looks.
const KEEP: NonZeroU16 = NonZeroU16::new(72).unwrap();

/// Where calls come in and go on, and for how long.
#[derive(Debug, Clone)]
pub struct Config {
    pub bind: SocketAddr,
    /// The edge's entrypoint for tenants' callers, in the inner network. `None`: nothing is held.
    pub edge_url: Option<Url>,
    /// How long a caller waits for n8n's answer, before it is told that its call is held.
    pub wait_seconds: NonZeroU16,
    /// How long a call is held for a tenant that does not come back.
    pub keep_hours: NonZeroU16,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let bind = env.or("HOLDER_BIND", SocketAddr::from(([0, 0, 0, 0], 8083)));
        let edge_url = env.optional("HOLDER_EDGE_URL");
        let (wait, keep) = (env.or("HOLDER_WAIT_SECONDS", WAIT), env.or("HOLDER_KEEP_HOURS", KEEP));
        Some(Self { bind: bind?, edge_url: edge_url?, wait_seconds: wait?, keep_hours: keep? })
    }
}
