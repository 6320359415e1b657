//! The cluster's row says every five seconds that somebody looks after it, how its servers are, and what they have.

use std::{sync::Arc, time::Duration};

use common::service::{Interval, Service};
use metrics::{describe_gauge, gauge};
use serde_json::json;
use sqlx::PgPool;

use crate::{
    World,
    config::Site,
    engine_trust::EngineTrust,
    store::{
        clusters::{self, Connections, Seen},
        subnets,
    },
};

/// The contract's figure; the cluster counts as offline after 30 s without one.
const EVERY: Duration = Duration::from_secs(5);

/// An answer that takes longer than this is no answer.
const PATIENCE: Duration = Duration::from_secs(3);

const USABLE: &str = "rp9_cluster_connections_usable";
const COMMITTED: &str = "rp9_cluster_connections_committed";

/// Beats for as long as the service runs.
pub fn spawn(service: &Service, world: Arc<World>, site: Site, engine_trust: EngineTrust) {
    describe_gauge!(
        USABLE,
        "Connections to the tenants' Postgres that all tenants of a cluster may open together."
    );
    describe_gauge!(COMMITTED, "How many of those the tenants that are there may open.");
    let beats = Interval::new("heartbeat", EVERY).failing("the heartbeat could not be written");
    let pool = service.database.clone();
    service.every(beats, move || {
        let (pool, world, site) = (pool.clone(), world.clone(), site.clone());
        let stranger = engine_trust.is_stranger();
        async move { beat(&pool, &world, &site, stranger).await }
    });
}

/// Looks once and writes down what was seen, and whether the engine is somebody else's.
pub async fn beat(pool: &PgPool, world: &World, site: &Site, stranger: bool) -> Result<(), sqlx::Error> {
    let mut seen = look(world, stranger).await;
    seen.connections = seen.connections.map(|all| all.saturating_sub(site.platform_connections));
    let connections = clusters::beat(pool, site, &seen, subnets::usable(pool, site).await?).await?;
    tell(site.cluster.as_str(), connections);
    Ok(())
}

/// Every provisioner of a cluster tells the same.
fn tell(cluster: &str, connections: Connections) {
    gauge!(COMMITTED, "cluster" => cluster.to_owned()).set(f64::from(connections.committed));
    if let Some(usable) = connections.usable {
        gauge!(USABLE, "cluster" => cluster.to_owned()).set(f64::from(usable));
    }
}

/// Whether the engine is up is what it answers to the least question there is: telling what it has takes a busy one seconds.
async fn look(world: &World, stranger: bool) -> Seen {
    let (docker, capacity, postgres, redis) = tokio::join!(
        tokio::time::timeout(PATIENCE, world.containers.ping()),
        tokio::time::timeout(PATIENCE, world.containers.capacity()),
        tokio::time::timeout(PATIENCE, world.databases.connections()),
        tokio::time::timeout(PATIENCE, world.queues.observe()),
    );
    let word = |up: bool| if up { "up" } else { "down" };
    let (capacity, connections) = (capacity.ok().and_then(Result::ok), postgres.ok().and_then(Result::ok));
    let dependencies = json!({
        // A stranger can do nothing with an engine that answers.
        "engine": word(!stranger),
        "docker": word(matches!(docker, Ok(Ok(())))),
        "tenant_postgres": word(connections.is_some()),
        "redis": word(matches!(redis, Ok(Ok(_)))),
    });
    Seen { dependencies, capacity, connections }
}
