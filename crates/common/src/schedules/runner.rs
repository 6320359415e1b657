//! The loop that decides about schedules and runs their firings, several at once.

mod attempt;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Claimed, DeclareError, Firing, Job, Record, Rule, Schedule, ScheduleError, metrics};
use crate::{
    error::chain,
    service::{Interval, Round, Tasks},
};

/// How often the record is asked: the bound on how late a firing begins when there is nothing else to do.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Firings run at once in one process.
const AT_ONCE: usize = 4;
/// So many schedules are decided about before firings begin: some tenths of a second.
const AT_A_TIME: usize = 50;

/// Fires what a service's schedules say, and runs it.
pub struct Runner {
    record: Box<dyn Record>,
    service: &'static str,
    schedules: Vec<(Schedule, Rule)>,
    jobs: Vec<Box<dyn Job>>,
    /// A firing ended: the next one of its schedule may begin.
    ended: Notify,
}

/// What became of an attempt to run a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    Done,
    /// For good: it will not be tried again.
    Failed,
    /// It will be tried again.
    Retried,
    /// The process stops, and somebody else runs it.
    Released,
    /// Somebody else has it.
    Lost,
}

impl Runner {
    /// The schedules this service declares, and the jobs it knows. Refuses what cannot be planned.
    pub fn new(
        record: impl Record + 'static,
        service: &'static str,
        schedules: &[Schedule],
        jobs: Vec<Box<dyn Job>>,
    ) -> Result<Self, DeclareError> {
        let mut names = BTreeSet::new();
        for Schedule { name, job, .. } in schedules {
            if !names.insert(name) {
                return Err(DeclareError::Twice(name.clone()));
            }
            if !jobs.iter().any(|known| known.name() == job) {
                return Err(DeclareError::NoJob { schedule: name.clone(), job: job.clone() });
            }
        }
        let rules = schedules.iter().map(|schedule| schedule.rule().map(|rule| (schedule.clone(), rule)));
        let schedules = rules.collect::<Result<_, _>>()?;
        Ok(Self { record: Box::new(record), service, schedules, jobs, ended: Notify::new() })
    }

    /// Makes the record's schedules what this service declares. Done once at start; harmless when done again.
    pub async fn declare(&self) -> Result<(), ScheduleError> {
        self.record.declare(self.service, &self.schedules).await
    }

    /// Decides about everything that is due. Returns how much fired.
    pub async fn fire_due(&self) -> Result<u64, ScheduleError> {
        let (jobs, mut fired) = (self.job_names(), 0);
        while let Some(count) = self.fire_one(&jobs).await? {
            fired += count;
        }
        Ok(fired)
    }

    /// Decides about one schedule that is due. Returns how much fired; nothing, if none is due.
    async fn fire_one(&self, jobs: &[&str]) -> Result<Option<u64>, ScheduleError> {
        let Some(decided) = self.record.fire_one(jobs).await? else { return Ok(None) };
        if decided.passed_over > 0 {
            metrics::firings(&decided.job, "passed_over", decided.passed_over);
            let (schedule, count, since) = (decided.schedule, decided.passed_over, decided.since);
            tracing::warn!(schedule, count, %since, "missed firings are not caught up");
        }
        Ok(Some(decided.fired))
    }

    /// Claims the oldest firing and runs it. Nothing, if there is none.
    pub async fn run_next(
        &self,
        stopping: &CancellationToken,
    ) -> Result<Option<(Firing, Ran)>, ScheduleError> {
        let asked = Instant::now();
        let Some(claimed) = self.record.claim(&self.job_names()).await? else { return Ok(None) };
        let ran = self.run(&claimed, asked, stopping).await?;
        Ok(Some((claimed.firing, ran)))
    }

    /// Starts the loop among `tasks`.
    pub fn spawn(self, tasks: &Tasks) {
        metrics::describe();
        let sweep = Interval::new("schedules", SWEEP_EVERY).from_its_end();
        let sweep = sweep.failing("schedules wait for the record");
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        tasks.every(sweep, Sweep { runner: Arc::new(self), tasks: tasks.clone(), permits, declared: false });
    }

    fn job_names(&self) -> Vec<&'static str> {
        self.jobs.iter().map(|job| job.name()).collect()
    }

    /// Decides about everything that is due. Begins as many firings as there is room for, again and again meanwhile: a thousand
    /// schedules of one moment do not wait until the last of them is decided about.
    async fn pass(self: &Arc<Self>, permits: &Arc<Semaphore>, tasks: &Tasks) -> Result<(), ScheduleError> {
        let jobs = self.job_names();
        loop {
            let mut decided = 0;
            while decided < AT_A_TIME && self.fire_one(&jobs).await?.is_some() {
                decided += 1;
            }
            self.begin(permits, tasks).await?;
            if decided < AT_A_TIME {
                return Ok(());
            }
        }
    }

    async fn begin(self: &Arc<Self>, permits: &Arc<Semaphore>, tasks: &Tasks) -> Result<(), ScheduleError> {
        while let Ok(permit) = permits.clone().try_acquire_owned() {
            let asked = Instant::now();
            let Some(claimed) = self.record.claim(&self.job_names()).await? else { break };
            tasks.spawn_one("firing", self.clone().one(claimed, asked, permit, tasks.stopping()));
        }
        Ok(())
    }

    async fn one(
        self: Arc<Self>,
        claimed: Claimed,
        asked: Instant,
        permit: OwnedSemaphorePermit,
        stopping: CancellationToken,
    ) {
        if let Err(error) = self.run(&claimed, asked, &stopping).await {
            let schedule = &claimed.firing.schedule;
            tracing::warn!(schedule, error = chain(&error), "the record is away; somebody will run it again");
        }
        drop(permit);
        self.ended.notify_one();
    }
}

/// The loop's rounds.
struct Sweep {
    runner: Arc<Runner>,
    tasks: Tasks,
    permits: Arc<Semaphore>,
    declared: bool,
}

impl Round for Sweep {
    type Error = ScheduleError;

    async fn run(&mut self) -> Result<(), ScheduleError> {
        if !self.declared {
            self.runner.declare().await?;
            self.declared = true;
        }
        self.runner.pass(&self.permits, &self.tasks).await
    }

    async fn woken(&mut self) {
        self.runner.ended.notified().await;
    }
}
