//! Observe → plan → apply, again and again: what should be, is.
//!
//! Woken by the engine's events and by a timer; an event says only that it is worth looking. A tenant that drifted gets a
//! `tenant.heal` operation and is left to it, so nothing acts on a tenant beside its operations. An idle pass writes nothing.

mod apply;
mod plan;
mod sightings;
#[cfg(test)]
mod simulation;

use std::{sync::Arc, time::Duration};

use common::{
    operations::{StepError, Wake},
    service::Tasks,
};
use futures::{StreamExt, stream::BoxStream};
use metrics::counter;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{World, store::drift};
use plan::{Rows, plan};
use sightings::Sightings;

pub use plan::{Drift, Wanted};

/// The engine tells of most changes; this is for those it does not, and for those nobody was there to hear.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// A container that dies sends several events in a row; one look serves them all.
const SETTLE: Duration = Duration::from_millis(500);

/// What one pass did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tenants that got an operation to heal them.
    pub healing: usize,
    /// Objects of nobody that were removed.
    pub removed: usize,
    /// Objects of nobody that are left for a later pass.
    pub spared: usize,
}

/// The loop's state: only since when it has seen what belongs to nobody.
pub struct Reconciler {
    pool: PgPool,
    world: Arc<World>,
    wake: Wake,
    sightings: Sightings,
}

impl Reconciler {
    /// A reconciler that has seen nothing yet; `wake` is the worker that heals.
    pub fn new(pool: PgPool, world: Arc<World>, wake: Wake) -> Self {
        Self { pool, world, wake, sightings: Sightings::default() }
    }

    /// Starts the loop among `tasks`.
    pub fn spawn(mut self, tasks: &Tasks) {
        let stopping = tasks.stopping();
        tasks.spawn("reconcile", async move {
            let mut events = None;
            while !stopping.is_cancelled() {
                match self.pass().await {
                    Ok(report) if report != Report::default() => tracing::info!(?report, "reconciled"),
                    Ok(_) => {}
                    Err(error) => tracing::warn!(?error, "this pass could not be finished"),
                }
                self.wait(&mut events, &stopping).await;
            }
        });
    }

    /// Looks once, and does what has to be done.
    pub async fn pass(&mut self) -> Result<Report, StepError> {
        let inventory = self.world.containers.observe(&self.world.site.cluster).await?;
        let logins = self.world.queues.observe().await?;
        // The rows are read last: what was made meanwhile is in them, so it is not taken for nobody's.
        let rows = Rows::read(&self.pool, self.world.site.cluster.as_str()).await?;
        apply::note(&self.pool, &inventory).await?;
        let plan = plan(&rows, &inventory, &logins);
        let mut report = Report::default();
        for (tenant, drifts) in &plan.drifted {
            if drift::heal(&self.pool, *tenant, drifts).await? {
                report.healing += 1;
                for drift in drifts {
                    counter!("rp9_drift_total", "kind" => drift.kind()).increment(1);
                    tracing::warn!(tenant_id = %tenant, %drift, "the tenant drifted; it will be healed");
                }
            }
        }
        if report.healing > 0 {
            self.wake.now();
        }
        let due = self.sightings.due(plan.orphans, std::time::Instant::now());
        (report.removed, report.spared) = apply::remove(&self.world, due).await;
        Ok(report)
    }

    async fn wait(
        &self,
        events: &mut Option<BoxStream<'static, engine::Event>>,
        stopping: &CancellationToken,
    ) {
        if events.is_none() {
            *events = self.world.containers.events(&self.world.site.cluster).await.ok();
        }
        let event = async {
            match events.as_mut() {
                Some(stream) => stream.next().await,
                None => std::future::pending().await,
            }
        };
        let looked = stopping.run_until_cancelled(tokio::time::timeout(LOOK_EVERY, event)).await;
        if let Some(Ok(None)) = looked {
            // The stream has ended: the engine was lost, and a new stream is needed.
            *events = None;
        }
        stopping.run_until_cancelled(tokio::time::sleep(SETTLE)).await;
    }
}
