//! What connections are granted.

use std::{num::NonZeroU32, time::Duration};

use common::config::{Env, Section};

/// Each can make us hold 24 kB of headers: together a little more than half of what a gateway's container may use.
const CONNECTIONS: u32 = 12_000;
/// Headers are one packet, or a few: whoever needs longer is not connected well enough to be waited for, or holds a place on purpose.
const HEADERS_WITHIN_SECONDS: u32 = 10;
/// Longer than proxies keep connections for their next request (nginx 60 s, Traefik and Go 90 s): whoever closes first must not be us, or
/// the request that is on its way is lost.
const KEEP_ALIVE_SECONDS: u32 = 120;

/// How many connections, and for how long one may keep its place with nothing to show for it.
#[derive(Debug, Clone, Copy)]
pub struct Sockets {
    /// As long as file descriptors last.
    pub connections: NonZeroU32,
    /// From the beginning of a connection, or the first byte of a later request, to the end of its headers.
    pub headers_within: Duration,
    /// From the end of an answer to the end of the next request's headers.
    pub keep_alive: Duration,
}

impl Section for Sockets {
    fn read(env: &mut Env) -> Option<Self> {
        let connections = env.or("CONNECTIONS", NonZeroU32::new(CONNECTIONS)?);
        let headers_within = seconds(env, "HEADERS_WITHIN_SECONDS", HEADERS_WITHIN_SECONDS);
        let keep_alive = seconds(env, "KEEP_ALIVE_SECONDS", KEEP_ALIVE_SECONDS);
        Some(Self { connections: connections?, headers_within: headers_within?, keep_alive: keep_alive? })
    }
}

fn seconds(env: &mut Env, name: &str, default: u32) -> Option<Duration> {
    let seconds = env.or(name, NonZeroU32::new(default)?);
    seconds.map(|seconds| Duration::from_secs(seconds.get().into()))
}
