//! The cluster's row says every five seconds that somebody looks after it, and how its servers are.

use std::{sync::Arc, time::Duration};

use common::{error::chain, service::Service};
use serde_json::json;

use crate::{World, config::Site, store::clusters};

/// The contract's figure; the cluster counts as offline after 30 s without one.
const EVERY: Duration = Duration::from_secs(5);

/// An answer that takes longer than this is no answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Beats for as long as the service runs.
pub fn spawn(service: &Service, world: Arc<World>, site: Site) {
    let (pool, stopping) = (service.database.clone(), service.tasks.stopping());
    service.tasks.spawn("heartbeat", async move {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stopping.run_until_cancelled(tick.tick()).await.is_some() {
            let seen = look(&world).await;
            if let Err(error) = clusters::beat(&pool, &site, &seen).await {
                tracing::warn!(error = chain(&error), "the heartbeat could not be written");
            }
        }
    });
}

async fn look(world: &World) -> serde_json::Value {
    let (docker, postgres, redis) = tokio::join!(
        tokio::time::timeout(PATIENCE, world.containers.ping()),
        tokio::time::timeout(PATIENCE, world.databases.observe()),
        tokio::time::timeout(PATIENCE, world.queues.observe()),
    );
    let word = |up: bool| if up { "up" } else { "down" };
    json!({
        "docker": word(matches!(docker, Ok(Ok(())))),
        "tenant_postgres": word(matches!(postgres, Ok(Ok(_)))),
        "redis": word(matches!(redis, Ok(Ok(_)))),
    })
}
