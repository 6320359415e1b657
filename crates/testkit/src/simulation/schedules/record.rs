//! Schedules, at the end of a link.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use common::schedules::{Claimed, Decided, Outcome, Record, Rule, Schedule, ScheduleError};
use tokio::time::Instant;

use super::{super::link::Link, name, sim::Sim};

impl Link<Sim> {
    fn tell(&self, claimed: &Claimed, what: fmt::Arguments<'_>) {
        let key = name(&(claimed.firing.schedule.clone(), claimed.firing.due_at));
        self.note(format_args!("{key} fence {}: {what}", claimed.fence));
    }
}

#[async_trait]
impl Record for Link<Sim> {
    fn lease(&self) -> Duration {
        self.sim.record.lease()
    }

    async fn declare(&self, service: &str, declared: &[(Schedule, Rule)]) -> Result<(), ScheduleError> {
        let fate = self.go("a declaration").await?;
        let answer = self.sim.record.declare(service, declared).await;
        let words: Vec<_> = declared.iter().map(|(schedule, _)| schedule).collect();
        self.note(format_args!("declares {words:?}: {answer:?}"));
        let (rows, now) = (self.sim.record.rows().clone(), self.sim.now());
        self.sim.oracle().declared(service, declared, &rows, now);
        self.come_back("a declaration", fate, answer).await
    }

    async fn ensure(&self, service: &str, schedule: &Schedule, rule: &Rule) -> Result<(), ScheduleError> {
        let fate = self.go("a schedule").await?;
        let answer = self.sim.record.ensure(service, schedule, rule).await;
        self.come_back("a schedule", fate, answer).await
    }

    async fn remove(&self, service: &str, name: &str) -> Result<(), ScheduleError> {
        let fate = self.go("a removal").await?;
        let answer = self.sim.record.remove(service, name).await;
        self.come_back("a removal", fate, answer).await
    }

    async fn fire_one(&self, jobs: &[&str]) -> Result<Option<Decided>, ScheduleError> {
        let fate = self.go("a look").await?;
        let answer = self.sim.record.fire_one(jobs).await;
        if let Ok(decided) = &answer {
            if let Some(Decided { schedule, since, fired, passed_over, .. }) = decided {
                let now = self.sim.now();
                self.note(format_args!(
                    "{schedule} since {since} at {now}: {fired} fire, {passed_over} do not"
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
                self.tell(claimed, format_args!("claimed, attempt {}", claimed.firing.attempt));
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
        self.tell(claimed, format_args!("renewed {}", answer.is_ok()));
        self.sim.oracle().renewed(claimed, answer.is_ok(), self.sim.now());
        self.come_back("a renewal", fate, answer).await?;
        self.sim.oracle().told(&self.process.name, claimed, asked);
        Ok(())
    }

    async fn finish(&self, claimed: &Claimed, outcome: &Outcome) -> Result<(), ScheduleError> {
        let fate = self.go("an end").await?;
        let answer = self.sim.record.finish(claimed, outcome).await;
        self.tell(claimed, format_args!("{outcome:?}: {}", answer.is_ok()));
        let (done, now) = (answer.is_ok(), self.sim.now());
        let process = &self.process.name;
        self.sim.oracle().finished(process, claimed, outcome, done, &self.sim.outside(), now);
        self.come_back("an end", fate, answer).await
    }
}
