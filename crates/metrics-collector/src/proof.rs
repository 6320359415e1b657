//! Whether what looks, sees: a marker is put into each instance's queue and table, and has to be found. Figures that stay at zero because nobody
//! sees are worse than none.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use common::{error::chain, id::TenantId, service::Round};
use futures::{StreamExt as _, stream};
use metrics::{describe_gauge, gauge};
use n8n::databases::Name;
use tokio::time::timeout;

use crate::{exposition::Shown, world::World};

/// How often somebody looks whom an alarm still stands for: one of a tenant that is gone goes with it.
pub const EVERY: Duration = Duration::from_secs(60);

/// How often every sensor is proven.
const PROVEN_EVERY: Duration = Duration::from_secs(600);

const PATIENCE: Duration = Duration::from_secs(10);
const AT_ONCE: usize = 4;

const PROVEN_AT: &str = "rp9_collector_proven_timestamp_seconds";

/// Says what each metric means.
pub fn describe() {
    describe_gauge!(PROVEN_AT, "When this replica last proved what it sees by.");
}

/// The proofs of one replica.
pub struct Proofs {
    world: World,
    shown: Shown,
    /// Whose alarm stands.
    blind: BTreeSet<TenantId>,
    proven: Option<Instant>,
}

impl Proofs {
    /// None yet.
    pub const fn new(world: World, shown: Shown) -> Self {
        Self { world, shown, blind: BTreeSet::new(), proven: None }
    }
}

/// What came of one instance's proof. One that does not answer is away, and proves nothing.
async fn is_seen(world: &World, instance: TenantId) -> Option<bool> {
    let queue = timeout(PATIENCE, world.queues.is_seen(instance)).await.ok()?;
    let queue = queue.inspect_err(|error| {
        tracing::debug!(tenant_id = %instance, error = chain(error), "a queue was not proven");
    });
    let rows = timeout(PATIENCE, world.executions.is_seen(&Name::of(instance))).await.ok()?;
    let rows = rows.inspect_err(|error| {
        tracing::debug!(tenant_id = %instance, error = chain(error), "a meter was not proven");
    });
    let (queue, rows) = (queue.ok()?, rows.ok()?);
    let rows = rows || is_seen_by_another_meter(world, instance).await?;
    for (sensor, seen) in [("queue", queue), ("executions", rows)] {
        if !seen {
            tracing::debug!(tenant_id = %instance, sensor, "a marker was not seen");
        }
    }
    Some(queue && rows)
}

/// A meter that was taken away is made anew where it is missed, and proven once more.
async fn is_seen_by_another_meter(world: &World, instance: TenantId) -> Option<bool> {
    let name = Name::of(instance);
    let again = async {
        world.executions.ensure_meter(&name).await?;
        world.executions.is_seen(&name).await
    };
    let again = timeout(PATIENCE, again).await.ok()?;
    let again = again.inspect_err(|error| {
        tracing::warn!(tenant_id = %instance, error = chain(error), "a meter that does not see was not made anew");
    });
    Some(again.unwrap_or(false))
}

impl Round for Proofs {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        let instances: Vec<TenantId> = sqlx::query_scalar(
            "select id from tenants t where cluster_id = $1 and mode = 'dedicated' and purpose in ('customer', 'shared') and status = 'active'
                and not exists (select from external_n8ns x where x.tenant_id = t.id)",
        )
        .bind(self.world.cluster.as_str())
        .fetch_all(&self.world.record)
        .await?;
        self.blind.retain(|blind| instances.contains(blind));
        if self.proven.is_some_and(|at| at.elapsed() < PROVEN_EVERY) {
            self.shown.put_blind(self.blind.clone());
            return Ok(());
        }
        self.proven = Some(Instant::now());
        let world = &self.world;
        let proofs: Vec<_> =
            instances.iter().map(|id| async move { (*id, is_seen(world, *id).await) }).collect();
        let proofs: Vec<_> = stream::iter(proofs).buffer_unordered(AT_ONCE).collect().await;
        for (instance, seen) in proofs {
            match seen {
                Some(false) if self.blind.insert(instance) => {
                    tracing::error!(tenant_id = %instance, "what the instance does is not seen");
                }
                Some(true) => {
                    self.blind.remove(&instance);
                }
                Some(false) | None => {}
            }
        }
        self.shown.put_blind(self.blind.clone());
        gauge!(PROVEN_AT).set(common::clock::now().unix_timestamp() as f64);
        Ok(())
    }
}
