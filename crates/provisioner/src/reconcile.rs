//! Observe → plan → apply, again and again: what should be, is.
//!
//! Woken by the engine's events and by a timer; an event says little more than that it is worth looking. A tenant that drifted gets
//! a `tenant.heal` operation and is left to it, so nothing acts on a tenant beside its operations. An idle pass writes nothing but
//! when it was. What is decided is decided by pure functions, each in a file of its own; `apply` is what changes anything.

mod apply;
mod brake;
mod changes;
mod drift;
mod ends;
mod listen;
mod meet;
mod metrics;
mod notes;
mod pace;
mod plan;
mod rows;
mod sight;
mod sightings;
#[cfg(test)]
mod simulation;
mod troubles;
mod watch;

use std::{sync::Arc, time::Instant};

use common::{
    clock,
    operations::{StepError, Wake},
    service::Tasks,
};
use sqlx::PgPool;

use crate::{World, engine_trust::EngineTrust, store};
use brake::brake;
use changes::Said;
use ends::Ends;
use listen::Listener;
use plan::{Plan, plan};
use sight::Sight;
use sightings::Sightings;
use watch::Watch;

pub use drift::{Drift, Urgency};
pub use notes::Note;
pub use pace::{Cure, urgency};
pub use rows::{Expected, Noted, Presence, Rows, Trouble, Wanted};

/// What one pass did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tenants that got an operation to heal them.
    pub healing: usize,
    /// Objects of tenants that are gone which were removed.
    pub removed: usize,
    /// Objects of tenants that are gone which are left for a later pass.
    pub spared: usize,
}

/// The loop's state: since when what is seen has been so, what was heard, and what was said.
pub struct Reconciler {
    pool: PgPool,
    world: Arc<World>,
    wake: Wake,
    engine_trust: EngineTrust,
    watch: Watch,
    sightings: Sightings,
    heard: Ends,
    said: Said,
}

impl Reconciler {
    /// A reconciler that has seen nothing yet; `wake` is the worker that heals.
    pub fn new(pool: PgPool, world: Arc<World>, wake: Wake, engine_trust: EngineTrust) -> Self {
        Self {
            pool,
            world,
            wake,
            engine_trust,
            watch: Watch::default(),
            sightings: Sightings::default(),
            heard: Ends::default(),
            said: Said::default(),
        }
    }

    /// Starts the loop among `tasks`.
    pub fn spawn(mut self, tasks: &Tasks) {
        metrics::describe();
        let stopping = tasks.stopping();
        tasks.spawn("reconcile", async move {
            let (mut listener, mut failing) = (Listener::default(), false);
            while !stopping.is_cancelled() {
                let (engine, cluster) = (self.world.containers.clone(), &self.world.site.cluster);
                listener.begin(engine.as_ref(), cluster).await;
                let begun = Instant::now();
                failing = self.look(failing).await;
                let due = self.watch.due_in(Instant::now());
                let waiting = listener.wait(&mut self.heard, begun.elapsed(), due);
                stopping.run_until_cancelled(waiting).await;
            }
        });
    }

    /// One pass of the loop. Says whether it failed; that is logged once, however often it goes on.
    async fn look(&mut self, failed_before: bool) -> bool {
        match self.pass().await {
            Ok(report) => {
                let Report { healing, removed, spared } = report;
                if healing + removed > 0 {
                    tracing::info!(healing, removed, spared, "reconciled");
                } else if failed_before {
                    tracing::info!("passes are finished again");
                }
                false
            }
            Err(error) => {
                if !failed_before {
                    let error = match error {
                        StepError::Failed { cause, .. } => cause,
                        StepError::LeaseLost | StepError::Stopped | StepError::Later(_) => {
                            "what only steps may do was done beside one".to_owned()
                        }
                    };
                    tracing::warn!(error, "a pass could not be finished; it is tried again");
                }
                true
            }
        }
    }

    /// Looks once, and does what has to be done.
    pub async fn pass(&mut self) -> Result<Report, StepError> {
        self.pass_at(Instant::now()).await
    }

    /// The same at this moment, by which it is judged how long what is seen has been so.
    pub async fn pass_at(&mut self, now: Instant) -> Result<Report, StepError> {
        let begun = Instant::now();
        let sight = match Sight::look(&self.world).await {
            Ok(sight) => sight,
            Err(error) => {
                self.said.blind(["docker"].into());
                self.watch.lose_sight();
                return Err(error.into());
            }
        };
        self.said.blind(sight.blind_spots());
        if !meet::meet(&self.pool, &self.world, &self.engine_trust, &sight.inventory.tenants()).await? {
            self.heard.clear();
            return Ok(Report::default());
        }
        // The rows are read last: what was made meanwhile is in them, so it is not taken for nobody's.
        let cluster = self.world.site.cluster.as_str();
        let rows = store::expected::rows(&self.pool, cluster, &sight.inventory).await?;
        let notes = notes::notes(&rows, &sight.inventory, &self.heard, clock::now());
        apply::note(&self.pool, &notes, &mut self.heard, &sight.inventory.unknown).await?;
        store::notes::observed(&self.pool, cluster, begun.elapsed()).await?;
        self.watch.look(&sight.inventory, sight.is_whole(), now);
        let plan = plan(&rows, &sight, &self.watch, &self.world.site.settings(), now);
        self.said.unknown(&plan.unknown);
        metrics::cluster(&rows, &plan);
        metrics::silent(sight.inventory.unknown.len());
        let turns = troubles::turns(&rows, &sight, &plan.drifted, &self.watch, now);
        apply::turn(&self.pool, turns).await?;
        let healing = apply::heal(&self.pool, &plan, &rows).await?;
        if healing > 0 {
            self.wake.now();
        }
        let (removed, spared) = self.remove(plan, &rows, &sight, now).await?;
        Ok(Report { healing, removed, spared })
    }

    async fn remove(
        &mut self,
        plan: Plan,
        rows: &Rows,
        sight: &Sight,
        now: Instant,
    ) -> Result<(usize, usize), StepError> {
        let seen = plan.orphans.len();
        let due = self.sightings.due(plan.orphans, now);
        let braked = brake(due, sight.inventory.tenants().len(), &rows.removed);
        self.said.held(braked.held);
        let sightings = &mut self.sightings;
        let removed = apply::remove(&self.pool, &self.world, braked.now, sightings, now).await?;
        Ok((removed, seen - removed))
    }
}
