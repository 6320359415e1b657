//! What was in use before a restore goes once that has ended well: there is no way back any more then, but by the safety backup.

use std::{sync::Arc, time::Duration};

use common::{
    database::begin,
    secrets::stored::StoredError,
    service::{Interval, Round, Tasks},
};
use n8n::databases::{DatabaseError, Name};
use sqlx::PgPool;

use super::own::{self, OwnError};
use crate::{
    World,
    store::{restores, secrets},
};

/// Until then a tenant takes twice its place on the disk.
const EVERY: Duration = Duration::from_secs(60);

/// Clears up behind restores in one cluster.
pub struct Clearing {
    pool: PgPool,
    world: Arc<World>,
}

/// Why it is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum ClearingError {
    #[error("the record cannot be asked")]
    Record(#[from] sqlx::Error),
    #[error(transparent)]
    Secrets(#[from] StoredError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl Clearing {
    /// Of this world's cluster.
    pub fn new(pool: PgPool, world: Arc<World>) -> Self {
        Self { pool, world }
    }

    /// Does so for as long as the service runs.
    pub fn spawn(self, tasks: &Tasks) {
        let rounds = Interval::new("restores", EVERY).from_its_end().spread();
        tasks.every(rounds.failing("databases that were in use before a restore are removed later"), self);
    }
}

impl Round for Clearing {
    type Error = ClearingError;

    /// Another restore or an upgrade of the same tenant is not accepted before the transaction ends, so what is removed is never that one's.
    async fn run(&mut self) -> Result<(), ClearingError> {
        let cluster = self.world.site.cluster.as_str();
        for restore in restores::uncleared(&self.pool, cluster).await? {
            let mut transaction = begin(&self.pool).await?;
            let Some(tenant) = restores::lock_uncleared(&mut transaction, restore).await? else { continue };
            self.world.databases.remove_beside(&Name::of(tenant)).await?;
            own::give_back(&self.world, &mut transaction, tenant).await?;
            secrets::forget_other_keys(&mut transaction, tenant).await?;
            restores::cleared(&mut *transaction, restore).await?;
            transaction.commit().await?;
            tracing::info!(tenant_id = %tenant, "the database that was in use before a restore is removed");
        }
        Ok(())
    }
}
