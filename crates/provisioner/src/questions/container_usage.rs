//! What this cluster's containers use, asked for over the bus.
//!
//! Measuring takes an engine with thousands of containers longer than whoever asks waits. So one measurement at a time goes on by itself, all
//! who ask share it, and until it is there they are told the one before.

use std::{sync::Arc, time::Duration};

use common::{
    error::{Kind, chain},
    operations::StepError,
    service::Tasks,
};
use engine::{ContainerError, Selection, Usage};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use wire::ContainerUsage;

use super::NoAnswer;
use crate::World;

/// Nobody asks more often.
const FRESH: Duration = Duration::from_secs(5);

/// Less than whoever asks waits for the answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What is older than this is of no use: rates are of a quarter of a minute.
const STALE: Duration = Duration::from_secs(30);

/// A measurement and when it began.
#[derive(Clone)]
struct Measured {
    begun: Instant,
    used: Result<Arc<Vec<ContainerUsage>>, Kind>,
}

/// The measurements of one provisioner.
#[derive(Clone)]
pub struct Measurements {
    world: Arc<World>,
    tasks: Tasks,
    latest: watch::Sender<Option<Measured>>,
    /// Held while one is made.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Measurements {
    /// None yet.
    pub fn new(world: Arc<World>, tasks: Tasks) -> Self {
        Self { world, tasks, latest: watch::Sender::new(None), turn: Arc::default() }
    }

    /// The latest one, a fresh one if it comes in time.
    pub async fn latest(&self) -> Result<Arc<Vec<ContainerUsage>>, NoAnswer> {
        let mut seen = self.latest.subscribe();
        if !self.is_younger_than(FRESH) {
            self.begin();
            let fresh = seen.wait_for(|latest| latest.as_ref().is_some_and(|l| l.begun.elapsed() < FRESH));
            // In time or not: there may be one from before.
            let _ = timeout(PATIENCE, fresh).await;
        }
        let latest = self.latest.borrow().clone().filter(|latest| latest.begun.elapsed() < STALE);
        let late = || StepError::failed(Kind::Timeout, "The engine was not measured in time.");
        let used = latest.ok_or_else(late)?.used;
        used.map_err(|kind| StepError::failed(kind, "The engine could not be measured.").into())
    }

    fn is_younger_than(&self, age: Duration) -> bool {
        self.latest.borrow().as_ref().is_some_and(|latest| latest.begun.elapsed() < age)
    }

    /// Unless one is being made.
    fn begin(&self) {
        let Ok(turn) = self.turn.clone().try_lock_owned() else { return };
        let own = self.clone();
        self.tasks.spawn_one("container usage", async move {
            let begun = Instant::now();
            let stats = own.world.containers.stats(&own.world.site.cluster, Selection::ALL.containers());
            let used = stats.await.map(|all| Arc::new(all.into_iter().filter_map(told).collect()));
            let used = used.map_err(|error: ContainerError| {
                tracing::debug!(error = chain(&error), "the containers could not be measured");
                common::error::Classify::kind(&error)
            });
            own.latest.send_replace(Some(Measured { begun, used }));
            drop(turn);
        });
    }
}

/// None for what is nobody's, such as a migration.
fn told(used: Usage) -> Option<ContainerUsage> {
    let tenant = used.owner.tenant?;
    Some(ContainerUsage { name: used.name, tenant, at: used.at, cpu: used.cpu, memory: used.memory })
}
