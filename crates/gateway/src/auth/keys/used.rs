//! When keys were last used: noted in memory, written together.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::{error::chain, id::KeyId, service::Tasks};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::sleep;

use crate::store::keys;

/// People look at days.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

/// What is to be written.
#[derive(Debug, Default)]
pub struct Used(Mutex<HashMap<KeyId, OffsetDateTime>>);

impl Used {
    /// This key was shown now.
    pub fn note(&self, key: KeyId, now: OffsetDateTime) {
        self.waiting().insert(key, now);
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<KeyId, OffsetDateTime>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, database: &PgPool) {
        let noted = mem::take(&mut *self.waiting());
        if noted.is_empty() {
            return;
        }
        if let Err(error) = keys::note_used(database, &noted).await {
            tracing::warn!(keys = noted.len(), error = chain(&error), "when keys were used is noted later");
            let mut waiting = self.waiting();
            for (key, at) in noted {
                waiting.entry(key).or_insert(at);
            }
        }
    }
}

/// Writes every few seconds, and once more when the process stops.
pub fn keep_writing(used: &Arc<Used>, database: PgPool, tasks: &Tasks) {
    let (used, stopping) = (Arc::clone(used), tasks.stopping());
    tasks.spawn("keys-used", async move {
        while stopping.run_until_cancelled(sleep(WRITTEN_EVERY)).await.is_some() {
            used.write(&database).await;
        }
        used.write(&database).await;
    });
}
