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
mod members;
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

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    clock,
    operations::{StepError, Wake},
    service::{Interval, Round, Tasks},
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

pub use drift::{Drift, Urgency, urgency};
pub use notes::Note;
pub use pace::Cure;
pub use rows::{Expected, Noted, Part, Presence, Rows, Trouble, Wanted};
pub use troubles::{Healed, pause_after};

/// The listener says when it is time; this is for one that never does.
const LONGEST_REST: Duration = Duration::from_secs(60);

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
    pub fn spawn(self, tasks: &Tasks) {
        metrics::describe();
        let (listener, looked_for) = (Listener::default(), Duration::ZERO);
        let interval = Interval::new("reconcile", LONGEST_REST).from_its_end();
        let interval = interval.failing("a pass could not be finished; it is tried again");
        tasks.every(interval, Looking { reconciler: self, listener, looked_for });
    }

    /// Looks once, and does what has to be done.
    pub async fn pass(&mut self) -> Result<Report, StepError> {
        self.pass_at(Instant::now()).await
    }

    /// The same at this moment, by which it is judged how long what is seen has been so.
    pub async fn pass_at(&mut self, now: Instant) -> Result<Report, StepError> {
        let begun = Instant::now();
        let mut sight = match Sight::look(&self.world).await {
            Ok(sight) => sight,
            Err(error) => {
                self.said.blind(["docker"].into());
                self.watch.lose_sight();
                return Err(error.into());
            }
        };
        if !meet::meet(&self.pool, &self.world, &self.engine_trust, &sight.inventory.tenants()).await? {
            self.heard.clear();
            self.said.blind(sight.blind_spots());
            return Ok(Report::default());
        }
        // The rows are read last: what was made meanwhile is in them, so it is not taken for nobody's.
        let cluster = self.world.site.cluster.as_str();
        let rows = store::expected::rows(&self.pool, cluster, &sight.inventory).await?;
        let notes = notes::notes(&rows, &sight.inventory, &self.heard, clock::now());
        apply::note(&self.pool, &notes, &mut self.heard, &sight.inventory.unknown).await?;
        store::notes::observed(&self.pool, cluster, begun.elapsed()).await?;
        sight.members = members::look(&self.pool, &self.world, &rows).await;
        self.said.blind(sight.blind_spots());
        self.watch.look(&sight.inventory, sight.is_whole(), now);
        self.watch.look_at_members(&sight.members, now);
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

/// The passes of a process: each begins when something has happened, or it is time.
struct Looking {
    reconciler: Reconciler,
    listener: Listener,
    /// How long the last pass took.
    looked_for: Duration,
}

/// Why a pass could not be finished, for those who run the platform.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unfinished(String);

impl Round for Looking {
    type Error = Unfinished;

    async fn run(&mut self) -> Result<(), Unfinished> {
        let (world, begun) = (self.reconciler.world.clone(), Instant::now());
        self.listener.begin(world.containers.as_ref(), &world.site.cluster).await;
        let passed = self.reconciler.pass().await;
        self.looked_for = begun.elapsed();
        let Report { healing, removed, spared } = passed.map_err(|error| match error {
            StepError::Failed { cause, .. } => Unfinished(cause),
            StepError::LeaseLost | StepError::Stopped | StepError::Later(_) => {
                Unfinished("what only steps may do was done beside one".to_owned())
            }
        })?;
        if healing + removed > 0 {
            tracing::info!(healing, removed, spared, "reconciled");
        }
        Ok(())
    }

    async fn woken(&mut self) {
        let due = self.reconciler.watch.due_in(Instant::now());
        self.listener.wait(&mut self.reconciler.heard, self.looked_for, due).await;
    }
}
