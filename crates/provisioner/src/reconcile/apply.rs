//! What a pass changes.

use common::error::chain;
use engine::{ContainerRef, Health, Inventory, NetworkRef, State};
use metrics::counter;
use sqlx::PgPool;

use super::{plan::Orphan, sightings::Due};
use crate::{World, store::instances};

/// Notes what was seen of tenants' containers, for whoever asks the API.
pub async fn note(pool: &PgPool, inventory: &Inventory) -> Result<(), sqlx::Error> {
    let seen: Vec<_> = inventory
        .containers
        .iter()
        .map(|c| (c.name.clone(), state_word(c.state), health_word(c.health)))
        .collect();
    instances::note(pool, &seen).await
}

const fn state_word(state: State) -> &'static str {
    match state {
        State::Created => "created",
        State::Running => "running",
        State::Paused => "paused",
        State::Restarting => "restarting",
        State::Exited => "exited",
        State::Removing => "removing",
    }
}

const fn health_word(health: Health) -> &'static str {
    match health {
        Health::None => "none",
        Health::Starting => "starting",
        Health::Healthy => "healthy",
        Health::Unhealthy => "unhealthy",
    }
}

/// Removes what is due; says how much was removed and how much is left for later.
pub async fn remove(world: &World, due: Due) -> (usize, usize) {
    let (mut removed, mut spared) = (0, due.spared);
    for orphan in due.now {
        match remove_one(world, &orphan).await {
            Ok(()) => {
                removed += 1;
                counter!("rp9_orphans_removed_total").increment(1);
                tracing::warn!(?orphan, "removed: no tenant that is alive owns it");
            }
            Err(error) => {
                spared += 1;
                tracing::warn!(?orphan, error = chain(&error), "an orphan could not be removed");
            }
        }
    }
    (removed, spared)
}

async fn remove_one(world: &World, orphan: &Orphan) -> Result<(), engine::ContainerError> {
    let cluster = world.site.cluster.clone();
    match orphan.clone() {
        Orphan::Container { name, tenant } => {
            let container = ContainerRef { name, tenant: Some(tenant), cluster, generation: None };
            world.containers.remove(&container).await
        }
        Orphan::Network { name, tenant } => {
            world.containers.remove_network(&NetworkRef { name, tenant: Some(tenant), cluster }).await
        }
    }
}
