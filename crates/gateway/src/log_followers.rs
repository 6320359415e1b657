//! Places for those who follow logs.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Code, Problem};

/// So many may follow logs at one gateway: a question a second each, of which a provisioner answers sixteen at a time.
const FOLLOWERS: usize = 64;

/// The places of one gateway.
pub struct LogFollowers(Arc<Semaphore>);

impl Default for LogFollowers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FOLLOWERS)))
    }
}

impl LogFollowers {
    /// A place for one more client; it is free again when this is dropped.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let full = "As many clients follow logs here as can. Try again later.";
        let place = Arc::clone(&self.0).try_acquire_owned();
        place.map_err(|_| Problem::new(Code::Unavailable).detail(full))
    }
}
