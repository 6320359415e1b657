//! What a pass changes.

use std::{
    collections::{BTreeSet, HashSet},
    time::Instant,
};

use common::{error::chain, id::TenantId, operations::StepError};
use engine::{ContainerRef, NetworkRef};
use sqlx::PgPool;

use super::{
    ends::Ends,
    metrics,
    notes::Note,
    pace,
    plan::{Orphan, Plan},
    rows::Rows,
    sightings::Sightings,
    troubles::TroubleChange,
};
use crate::{
    World,
    store::{drift, notes, removals, troubles as store},
};

/// Writes down what was seen of containers. What could not be written, because another replica did so at the same moment, is
/// looked at again: what was heard of it is kept, as is what was heard of those that the engine is `silent` about.
pub async fn note(
    pool: &PgPool,
    changes: &[Note],
    heard: &mut Ends,
    silent: &BTreeSet<String>,
) -> Result<(), sqlx::Error> {
    let written: HashSet<_> = notes::write(pool, changes).await?.into_iter().collect();
    changes.iter().filter(|note| written.contains(&note.name)).for_each(metrics::noted);
    let missed = changes.iter().map(|note| &note.name).filter(|name| !written.contains(*name));
    heard.retain(&missed.chain(silent).map(String::as_str).collect());
    Ok(())
}

/// Asks for drifted tenants to be healed, as many as is good at once. Says how many.
pub async fn heal(pool: &PgPool, plan: &Plan, rows: &Rows) -> Result<usize, StepError> {
    let mut healing = 0;
    for (tenant, cure) in pace::pace(plan, rows) {
        if !drift::heal(pool, tenant, &cure).await? {
            continue;
        }
        healing += 1;
        for drift in &cure.drifts {
            metrics::drifted(drift);
            tracing::warn!(tenant_id = %tenant, %drift, "the tenant drifted; it will be healed");
        }
    }
    Ok(healing)
}

/// Shows tenants as unhealthy, or not any more.
pub async fn turn(pool: &PgPool, turns: Vec<(TenantId, TroubleChange)>) -> Result<(), sqlx::Error> {
    for (tenant, turn) in turns {
        match turn {
            TroubleChange::Show(reasons) => {
                if store::show(pool, tenant, &reasons).await? {
                    let reasons = reasons.join("; ");
                    tracing::error!(tenant_id = %tenant, reasons, "a person is needed: healing does not help this tenant");
                }
            }
            TroubleChange::Clear => {
                if store::clear(pool, tenant).await? {
                    tracing::info!(tenant_id = %tenant, "the tenant is as it should be again");
                }
            }
        }
    }
    Ok(())
}

/// Removes these, and says how many could be.
pub async fn remove(
    pool: &PgPool,
    world: &World,
    orphans: Vec<Orphan>,
    sightings: &mut Sightings,
    now: Instant,
) -> Result<usize, StepError> {
    let mut removed = 0;
    for orphan in orphans {
        removals::note(pool, world.site.cluster.as_str(), orphan.tenant()).await?;
        match remove_one(world, &orphan).await {
            Ok(()) => {
                removed += 1;
                metrics::removed();
                tracing::warn!(tenant_id = %orphan.tenant(), object = orphan.name(), "removed: its tenant is gone");
            }
            Err(error) if sightings.failed(&orphan, now) => {
                tracing::warn!(
                    object = orphan.name(),
                    error = chain(&error),
                    "an orphan could not be removed; it is tried again after the others"
                );
            }
            Err(error) => {
                tracing::debug!(
                    object = orphan.name(),
                    error = chain(&error),
                    "an orphan still cannot be removed"
                );
            }
        }
    }
    Ok(removed)
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
