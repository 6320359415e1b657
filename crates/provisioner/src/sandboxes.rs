//! Sandboxes whose time is over are removed, and those of tenants that are gone. Every replica asks for it, and each removal is accepted once.

use std::time::Duration;

use common::{
    operations::Wake,
    service::{Interval, Round, Tasks},
};
use sqlx::PgPool;

use crate::{config::Site, store::sandboxes};

/// They are there for days: a minute more is nobody's loss.
const EVERY: Duration = Duration::from_secs(60);

/// So many are removed in one round: the edge takes it for a mistake when many hosts go at once.
const AT_ONCE: i64 = 5;

/// Looks after the sandboxes of one cluster.
pub struct Sandboxes {
    pool: PgPool,
    cluster: String,
    wake: Wake,
}

impl Sandboxes {
    /// Those of this site.
    pub fn new(pool: PgPool, site: &Site, wake: Wake) -> Self {
        Self { pool, cluster: site.cluster.to_string(), wake }
    }

    /// Does so for as long as the service runs.
    pub fn spawn(self, tasks: &Tasks) {
        let rounds = Interval::new("sandboxes", EVERY).from_its_end().spread();
        tasks.every(rounds.failing("sandboxes whose time is over are removed later"), self);
    }

    /// One round: how many removals were accepted.
    pub async fn look(&self) -> Result<usize, sqlx::Error> {
        let mut accepted = 0;
        for sandbox in sandboxes::overdue(&self.pool, &self.cluster, AT_ONCE).await? {
            if sandboxes::remove(&self.pool, sandbox).await? {
                tracing::info!(tenant_id = %sandbox, "the sandbox's time is over, or its tenant is gone: it is removed");
                accepted += 1;
                self.wake.now();
            }
        }
        Ok(accepted)
    }
}

impl Round for Sandboxes {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        self.look().await.map(drop)
    }
}
