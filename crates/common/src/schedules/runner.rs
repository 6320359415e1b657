//! The loop that decides about schedules and runs their firings, several at once.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    DeclareError, Firing, Job, JobError, Rule, Schedule, ScheduleError, ScheduleStore, metrics,
    policy::{ATTEMPTS, pause_after},
    store::{Claimed, Outcome},
};
use crate::{
    error::{Kind, chain},
    service::Tasks,
};

/// How often the record is asked: the bound on how late a firing begins when there is nothing else to do.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Firings run at once in one process.
const AT_ONCE: usize = 4;
/// Renewed so many times within its length, so that two lost renewals do not lose the lease.
const RENEWALS: u32 = 3;

/// Fires what a service's schedules say, and runs it.
pub struct Runner {
    store: ScheduleStore,
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
        store: ScheduleStore,
        service: &'static str,
        schedules: &[Schedule],
        jobs: Vec<Box<dyn Job>>,
    ) -> Result<Self, DeclareError> {
        let mut names = BTreeSet::new();
        for schedule in schedules {
            if !names.insert(schedule.name) {
                return Err(DeclareError::Twice(schedule.name));
            }
            if !jobs.iter().any(|job| job.name() == schedule.job) {
                return Err(DeclareError::NoJob { schedule: schedule.name, job: schedule.job });
            }
        }
        let rules = schedules.iter().map(|schedule| schedule.rule().map(|rule| (*schedule, rule)));
        let schedules = rules.collect::<Result<_, _>>()?;
        Ok(Self { store, service, schedules, jobs, ended: Notify::new() })
    }

    /// Makes the record's schedules what this service declares. Done once at start; harmless when done again.
    pub async fn declare(&self) -> Result<(), ScheduleError> {
        self.store.declare(self.service, &self.schedules).await
    }

    /// Decides about everything that is due. Returns how much fired.
    pub async fn fire_due(&self) -> Result<u64, ScheduleError> {
        let (jobs, mut fired) = (self.job_names(), 0);
        while let Some(decided) = self.store.fire_one(&jobs).await? {
            fired += decided.fired;
            if decided.passed_over > 0 {
                metrics::firings(&decided.schedule, "passed_over", decided.passed_over);
                let (schedule, count, since) = (decided.schedule, decided.passed_over, decided.since);
                tracing::warn!(schedule, count, %since, "missed firings are not caught up");
            }
        }
        Ok(fired)
    }

    /// Claims the oldest firing and runs it. Nothing, if there is none.
    pub async fn run_next(
        &self,
        stopping: &CancellationToken,
    ) -> Result<Option<(Firing, Ran)>, ScheduleError> {
        let Some(claimed) = self.store.claim(&self.job_names()).await? else { return Ok(None) };
        let ran = self.run(&claimed, stopping).await?;
        Ok(Some((claimed.firing, ran)))
    }

    /// Starts the loop among `tasks`.
    pub fn spawn(self, tasks: &Tasks) {
        metrics::describe();
        let (runner, inside) = (Arc::new(self), tasks.clone());
        tasks.spawn("schedules", async move { runner.work(&inside).await });
    }

    fn job_names(&self) -> Vec<&'static str> {
        self.jobs.iter().map(|job| job.name()).collect()
    }

    async fn work(self: &Arc<Self>, tasks: &Tasks) {
        let (stopping, permits) = (tasks.stopping(), Arc::new(Semaphore::new(AT_ONCE)));
        let (mut declared, mut trouble) = (false, false);
        while !stopping.is_cancelled() {
            let pass = async {
                if !declared {
                    self.declare().await?;
                    declared = true;
                }
                self.pass(&permits, tasks).await
            };
            match stopping.run_until_cancelled(pass).await {
                None => return,
                Some(Ok(())) => trouble = false,
                Some(Err(error)) => {
                    if !std::mem::replace(&mut trouble, true) {
                        tracing::warn!(error = chain(&error), "schedules wait for the record");
                    }
                }
            }
            let rest = tokio::time::timeout(SWEEP_EVERY, self.ended.notified());
            stopping.run_until_cancelled(rest).await.map(Result::ok);
        }
    }

    /// Decides, and begins as many firings as there is room for.
    async fn pass(self: &Arc<Self>, permits: &Arc<Semaphore>, tasks: &Tasks) -> Result<(), ScheduleError> {
        self.fire_due().await?;
        while let Ok(permit) = permits.clone().try_acquire_owned() {
            let Some(claimed) = self.store.claim(&self.job_names()).await? else { break };
            tasks.spawn("firing", self.clone().one(claimed, permit, tasks.stopping()));
        }
        Ok(())
    }

    async fn one(
        self: Arc<Self>,
        claimed: Claimed,
        permit: OwnedSemaphorePermit,
        stopping: CancellationToken,
    ) {
        if let Err(error) = self.run(&claimed, &stopping).await {
            let schedule = &claimed.firing.schedule;
            tracing::warn!(schedule, error = chain(&error), "the record is away; somebody will run it again");
        }
        drop(permit);
        self.ended.notify_one();
    }

    /// Runs what was claimed, under its lease.
    async fn run(&self, claimed: &Claimed, stopping: &CancellationToken) -> Result<Ran, ScheduleError> {
        let firing = &claimed.firing;
        let span = tracing::info_span!("firing", schedule = firing.schedule, due_at = %firing.due_at);
        if firing.attempt == 1 {
            metrics::lateness(&firing.schedule, claimed.late);
        }
        let begun = Instant::now();
        let result = tokio::select! {
            result = self.attempt(claimed).instrument(span.clone()) => Some(result),
            () = stopping.cancelled() => None,
            () = self.keep(claimed) => {
                tracing::warn!(parent: &span, "the lease was lost; somebody else goes on");
                return Ok(Ran::Lost);
            }
        };
        metrics::took(&firing.schedule, begun.elapsed());
        let (ran, outcome) = judge(firing, result.as_ref());
        match self.store.finish(claimed, &outcome).await {
            Ok(()) => span.in_scope(|| note(firing, ran, result, begun.elapsed())),
            Err(ScheduleError::LeaseLost) => return Ok(Ran::Lost),
            Err(error) => return Err(error),
        }
        Ok(ran)
    }

    async fn attempt(&self, claimed: &Claimed) -> Result<(), JobError> {
        if claimed.firing.attempt > ATTEMPTS {
            return Err(JobError::found(Kind::Internal, "None of its attempts came back."));
        }
        match self.jobs.iter().find(|job| job.name() == claimed.job) {
            Some(job) => job.run(&claimed.firing).await,
            None => Err(JobError::found(Kind::Internal, "There is no such job.")),
        }
    }

    /// Renews the lease again and again; returns only when it is lost, or may be.
    async fn keep(&self, claimed: &Claimed) {
        let lease = self.store.lease();
        let mut held_since = Instant::now();
        while held_since.elapsed() < lease {
            tokio::time::sleep(lease / RENEWALS).await;
            let asked = Instant::now();
            match self.store.renew(claimed).await {
                Ok(()) => held_since = asked,
                Err(ScheduleError::LeaseLost) => return,
                Err(error) => tracing::warn!(error = chain(&error), "a lease could not be renewed"),
            }
        }
    }
}

/// What an attempt's result makes of its firing.
fn judge(firing: &Firing, result: Option<&Result<(), JobError>>) -> (Ran, Outcome) {
    match result {
        None => (Ran::Released, Outcome::Released),
        Some(Ok(())) => (Ran::Done, Outcome::Done),
        Some(Err(error)) => match pause_after(firing.attempt).filter(|_| error.again) {
            Some(pause) => (Ran::Retried, Outcome::Again { pause, error: error.told() }),
            None => (Ran::Failed, Outcome::Failed(error.told())),
        },
    }
}

fn note(firing: &Firing, ran: Ran, result: Option<Result<(), JobError>>, took: Duration) {
    let (attempt, duration_ms) = (firing.attempt, took.as_millis() as u64);
    let cause = result.and_then(Result::err).map(|error| error.cause).unwrap_or_default();
    let word = match ran {
        Ran::Done => {
            tracing::info!(attempt, duration_ms, "fired");
            "done"
        }
        Ran::Failed => {
            tracing::error!(attempt, duration_ms, error = cause, "a firing failed for good");
            "failed"
        }
        Ran::Retried => {
            tracing::warn!(attempt, duration_ms, error = cause, "a firing is tried again");
            "retried"
        }
        Ran::Released | Ran::Lost => return,
    };
    metrics::firings(&firing.schedule, word, 1);
}
