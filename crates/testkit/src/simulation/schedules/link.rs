//! The record as one process reaches it.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::schedules::{Claimed, Decided, Outcome, Record, Rule, Schedule, ScheduleError};
use tokio::time::Instant;

use super::{
    super::{faults::Fate, process::Process},
    name,
    sim::Sim,
};

/// A link that delays, loses and cuts off. The oracle sees what really happened at its far end.
pub struct Link {
    pub sim: Arc<Sim>,
    pub process: Arc<Process>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("process", &self.process.name).finish_non_exhaustive()
    }
}

fn away() -> ScheduleError {
    ScheduleError::Database(sqlx::Error::PoolTimedOut)
}

impl Link {
    async fn go(&self, what: &str) -> Result<Fate, ScheduleError> {
        self.process.gate().await;
        let fate = self.sim.faults().fate();
        self.process.travel(fate.before).await;
        if fate.dropped || self.process.is_cut_off() {
            self.sim.note(format_args!("{}: {what} is lost", self.process.name));
            return Err(away());
        }
        Ok(fate)
    }

    async fn come_back<T>(
        &self,
        what: &str,
        fate: Fate,
        answer: Result<T, ScheduleError>,
    ) -> Result<T, ScheduleError> {
        self.process.travel(fate.after).await;
        if fate.answer_lost || self.process.is_cut_off() {
            self.sim.note(format_args!("{}: the answer to {what} is lost", self.process.name));
            return Err(away());
        }
        answer
    }

    fn note(&self, claimed: &Claimed, what: fmt::Arguments<'_>) {
        let key = name(&(claimed.firing.schedule.clone(), claimed.firing.due_at));
        let fence = claimed.fence;
        self.sim.note(format_args!("{}: {key} fence {fence}: {what}", self.process.name));
    }
}

#[async_trait]
impl Record for Link {
    fn lease(&self) -> Duration {
        self.sim.record.lease()
    }

    async fn declare(&self, service: &str, declared: &[(Schedule, Rule)]) -> Result<(), ScheduleError> {
        let fate = self.go("a declaration").await?;
        let answer = self.sim.record.declare(service, declared).await;
        let words: Vec<_> = declared.iter().map(|(schedule, _)| schedule).collect();
        self.sim.note(format_args!("{}: declares {words:?}: {answer:?}", self.process.name));
        let (rows, now) = (self.sim.record.rows().clone(), self.sim.now());
        self.sim.oracle().declared(service, declared, &rows, now);
        self.come_back("a declaration", fate, answer).await
    }

    async fn fire_one(&self, jobs: &[&str]) -> Result<Option<Decided>, ScheduleError> {
        let fate = self.go("a look").await?;
        let answer = self.sim.record.fire_one(jobs).await;
        if let Ok(decided) = &answer {
            if let Some(Decided { schedule, since, fired, passed_over }) = decided {
                let (now, process) = (self.sim.now(), &self.process.name);
                self.sim.note(format_args!(
                    "{process}: {schedule} since {since} at {now}: {fired} fire, {passed_over} do not"
                ));
            }
            let (rows, now) = (self.sim.record.rows(), self.sim.now());
            self.sim.oracle().decided(jobs, decided.as_ref(), &rows, now);
        }
        self.come_back("a look", fate, answer).await
    }

    async fn claim(&self, jobs: &[&str]) -> Result<Option<Claimed>, ScheduleError> {
        let asked = Instant::now();
        let fate = self.go("a claim").await?;
        let answer = self.sim.record.claim(jobs).await;
        if let Ok(claimed) = &answer {
            if let Some(claimed) = claimed {
                self.note(claimed, format_args!("claimed, attempt {}", claimed.firing.attempt));
            }
            self.sim.oracle().claimed(jobs, claimed.as_ref(), self.sim.now());
        }
        let answer = self.come_back("a claim", fate, answer).await?;
        answer.iter().for_each(|claimed| self.sim.oracle().told(&self.process.name, claimed, asked));
        Ok(answer)
    }

    async fn renew(&self, claimed: &Claimed) -> Result<(), ScheduleError> {
        let asked = Instant::now();
        let fate = self.go("a renewal").await?;
        let answer = self.sim.record.renew(claimed).await;
        self.note(claimed, format_args!("renewed {}", answer.is_ok()));
        self.sim.oracle().renewed(claimed, answer.is_ok(), self.sim.now());
        self.come_back("a renewal", fate, answer).await?;
        self.sim.oracle().told(&self.process.name, claimed, asked);
        Ok(())
    }

    async fn finish(&self, claimed: &Claimed, outcome: &Outcome) -> Result<(), ScheduleError> {
        let fate = self.go("an end").await?;
        let answer = self.sim.record.finish(claimed, outcome).await;
        self.note(claimed, format_args!("{outcome:?}: {}", answer.is_ok()));
        let (done, now) = (answer.is_ok(), self.sim.now());
        let process = &self.process.name;
        self.sim.oracle().finished(process, claimed, outcome, done, &self.sim.outside(), now);
        self.come_back("an end", fate, answer).await
    }
}
