//! One change of an object at a time within this process.
//!
//! Engines bear concurrent callers, and so does every verb; but two tasks of one process that want the same container
//! (an operation and the reconciler, say) would get in each other's way for nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

type Lock = Arc<tokio::sync::Mutex<()>>;

/// Who may change which object now.
#[derive(Default)]
pub(super) struct Locks {
    names: Mutex<HashMap<String, Lock>>,
}

impl Locks {
    /// Waits until nobody else in this process changes the object of this name; the lock ends with the guard.
    pub(super) async fn take(&self, name: &str) -> OwnedMutexGuard<()> {
        self.lock(name).lock_owned().await
    }

    fn lock(&self, name: &str) -> Lock {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        // Names that nobody holds or waits for are forgotten, or the map would grow with every tenant there ever was.
        names.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(names.entry(name.to_owned()).or_default())
    }
}
