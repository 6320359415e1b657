//! The places that connections have.

use std::{io, num::NonZeroU32, sync::Arc};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics;

/// File descriptors that are for everything else: the record, the bus, Redis, the log.
const RESERVED: u64 = 256;

/// So many connections at a time.
pub struct Places {
    name: &'static str,
    free: Arc<Semaphore>,
}

impl Places {
    /// As many as are wanted, or as the process may have file descriptors for: a gateway that ran out of those would reach neither its
    /// callers nor its record.
    pub fn new(name: &'static str, wanted: NonZeroU32) -> Arc<Self> {
        let (wanted, most) = (wanted.get(), descriptors().saturating_sub(RESERVED).max(1));
        let count = u32::try_from(most).map_or(wanted, |most| most.min(wanted));
        if count < wanted {
            tracing::warn!(listener = name, wanted, count, "there are too few file descriptors");
        }
        Arc::new(Self { name, free: Arc::new(Semaphore::new(count as usize)) })
    }

    /// A place, as soon as there is one.
    pub async fn take(self: &Arc<Self>) -> io::Result<Place> {
        // It is never closed.
        let permit = self.free.clone().acquire_owned().await.map_err(io::Error::other)?;
        metrics::connection(self.name, 1.0);
        Ok(Place { name: self.name, _permit: permit })
    }
}

/// One of them, free again when this is dropped.
pub struct Place {
    name: &'static str,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::connection(self.name, -1.0);
    }
}

/// How many file descriptors this process may have, after asking for as many as it is allowed to ask for: what shells and engines
/// give by themselves is often 1024.
fn descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let now = if raised.is_ok() { limit.maximum } else { limit.current };
    now.unwrap_or(u64::MAX)
}
