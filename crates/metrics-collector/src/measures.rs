//! What tenants use beside executions: calls, read from the edge; storage, from the samples.

use std::{sync::Arc, time::Duration};

use common::{cluster::ClusterId, service::Round};
use edge::calls::{CallCounters, CountersError};
use sqlx::PgPool;

use crate::{
    calls::find,
    store::{measures, sides},
};

/// What the edge counted since is lost if it dies: a quarter of a minute of it.
pub const CALLS_EVERY: Duration = Duration::from_secs(15);

/// Sizes change slowly.
pub const STORAGE_EVERY: Duration = Duration::from_secs(60);

/// Another replica has just read it.
const RECENTLY: time::Duration = time::Duration::seconds(10);

/// One replica's readings of its cluster's edge. Each replica reads; of two at once one is counted.
pub struct Calls {
    record: PgPool,
    cluster: ClusterId,
    edge: Arc<dyn CallCounters>,
}

/// Why calls were not counted.
#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    #[error("the record does not answer")]
    Record(#[from] sqlx::Error),
    #[error(transparent)]
    Edge(#[from] CountersError),
}

impl Calls {
    /// Of this cluster, by what its edge tells.
    pub fn new(record: PgPool, cluster: ClusterId, edge: Arc<dyn CallCounters>) -> Self {
        Self { record, cluster, edge }
    }
}

impl Round for Calls {
    type Error = CallsError;

    async fn run(&mut self) -> Result<(), CallsError> {
        let before = measures::before(&self.record, &self.cluster).await?;
        if before.known.as_ref().is_some_and(|known| before.now - known.read_at < RECENTLY) {
            return Ok(());
        }
        let reading = self.edge.read().await?;
        let found = find(before.known.as_ref(), &reading, before.now);
        let is_counted = measures::count(&self.record, &self.cluster, &before, &reading, &found).await?;
        if !is_counted {
            tracing::debug!("another replica has counted calls meanwhile");
            return Ok(());
        }
        Ok(sides::note(&self.record, &self.cluster, &reading).await?)
    }
}

/// One replica's looks at the samples of its cluster. Twice is as good as once.
pub struct Storage {
    record: PgPool,
    cluster: ClusterId,
}

impl Storage {
    /// Of this cluster.
    pub const fn new(record: PgPool, cluster: ClusterId) -> Self {
        Self { record, cluster }
    }
}

impl Round for Storage {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        measures::measure_storage(&self.record, &self.cluster).await
    }
}
