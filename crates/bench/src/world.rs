//! The outside world in memory, and an edge that follows the table of routes without delay.

use std::sync::Arc;

use async_trait::async_trait;
use common::secrets::MasterKeys;
use edge::{Edge, EdgeError, Host, Mark};
use engine::fake::FakeWorld;
use n8n::fake::{DatabaseWorld, QueueWorld};
use provisioner::{Site, World};
use sqlx::PgPool;

/// A world in which everything works at once.
pub fn fakes(pool: &PgPool, site: Site, keys: MasterKeys) -> World {
    let containers = FakeWorld::new();
    for role in ["edge", "postgres", "redis"] {
        containers.add_shared(&site.cluster, role);
    }
    World {
        containers: Arc::new(containers.engine("bench")),
        databases: Arc::new(DatabaseWorld::default().actor("bench")),
        queues: Arc::new(QueueWorld::default().actor("bench")),
        edge: Arc::new(TableEdge(pool.clone())),
        keys,
        site,
    }
}

struct TableEdge(PgPool);

#[async_trait]
impl Edge for TableEdge {
    async fn confirm(&self, host: &Host, expected: Mark) -> Result<(), EdgeError> {
        match self.generation(host).await? {
            Some(_) => Ok(()),
            None => Err(EdgeError::NotYet { seen: format!("no {expected:?}") }),
        }
    }

    async fn confirm_gone(&self, host: &Host) -> Result<(), EdgeError> {
        match self.generation(host).await? {
            None => Ok(()),
            Some(_) => Err(EdgeError::NotYet { seen: "a route".into() }),
        }
    }
}

impl TableEdge {
    /// One row: reading the whole table for every tenant is what no edge does either.
    async fn generation(&self, host: &Host) -> Result<Option<i64>, EdgeError> {
        let found = sqlx::query_scalar("select generation from routes where host = $1").bind(host.as_str());
        found.fetch_optional(&self.0).await.map_err(|error| EdgeError::Unavailable(error.into()))
    }
}
