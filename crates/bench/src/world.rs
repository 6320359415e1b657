//! The outside world in memory.

use std::sync::Arc;

use common::secrets::MasterKeys;

use engine::fake::FakeWorld;
use n8n::account::HashCost;
use n8n::fake::{DatabaseWorld, MemberWorld, MoveWorld, QueueWorld};
use provisioner::{Site, Uncounted, World};
use sqlx::PgPool;
use testkit::edge::TableEdge;

/// A world in which everything works at once.
pub fn fakes(pool: &PgPool, site: Site, keys: MasterKeys) -> anyhow::Result<World> {
    let containers = FakeWorld::new();
    for role in ["edge", "postgres", "redis"] {
        containers.add_shared(&site.cluster, role);
    }
    let databases = DatabaseWorld::default();
    Ok(World {
        external: Arc::default(),
        containers: Arc::new(containers.engine("bench")),
        moves: Arc::new(MoveWorld::of(&databases, &MemberWorld::of(&databases)).actor("bench")),
        members: Arc::new(MemberWorld::of(&databases).actor("bench")),
        databases: Arc::new(databases.actor("bench")),
        queues: Arc::new(QueueWorld::default().actor("bench")),
        metering: Arc::new(Uncounted),
        password_cost: HashCost::N8N,
        edge: Arc::new(TableEdge(pool.clone())),
        // Nobody asks an n8n anything.
        inner: "http://127.0.0.1:1".parse()?,
        keys,
        site,
    })
}
