//! What connections are granted.

use std::{num::NonZeroU32, time::Duration};

use common::config::{Env, Section};

/// Each can make us hold 24 kB of headers: together a little more than half of what a gateway's container may use.
const CONNECTIONS: u32 = 12_000;
/// Headers are one packet, or a few: whoever needs longer is not connected well enough to be waited for, or holds a place on purpose.
const HEADERS_WITHIN_SECONDS: u32 = 10;

/// How many connections, and for how long one may keep its place with nothing to show for it.
#[derive(Debug, Clone, Copy)]
pub struct Sockets {
    /// As long as file descriptors last.
    pub connections: NonZeroU32,
    /// From the beginning of a connection, or the end of the answer before, to the end of a request's headers. So it is also how long
    /// an idle connection is kept.
    pub headers_within: Duration,
}

impl Section for Sockets {
    fn read(env: &mut Env) -> Option<Self> {
        let connections = env.or("CONNECTIONS", NonZeroU32::new(CONNECTIONS)?);
        let seconds = env.or("HEADERS_WITHIN_SECONDS", NonZeroU32::new(HEADERS_WITHIN_SECONDS)?);
        Some(Self { connections: connections?, headers_within: Duration::from_secs(seconds?.get().into()) })
    }
}
