//! One attempt to run a firing, under its lease.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Ran, Runner};
use crate::{
    error::{Kind, chain},
    schedules::{
        Claimed, Firing, JobError, Outcome, ScheduleError, metrics,
        policy::{ATTEMPTS, pause_after},
    },
    service,
};

/// Renewed so many times within its length, so that two lost renewals do not lose the lease.
const RENEWALS: u32 = 3;

impl Runner {
    /// Runs what was claimed, under the lease that was `asked` for then.
    pub(super) async fn run(
        &self,
        claimed: &Claimed,
        asked: Instant,
        stopping: &CancellationToken,
    ) -> Result<Ran, ScheduleError> {
        let firing = &claimed.firing;
        let (schedule, subject) = (firing.schedule.as_str(), &firing.subject);
        let span = tracing::info_span!("firing", schedule, subject = %subject, due_at = %firing.due_at);
        if firing.attempt == 1 {
            metrics::lateness(&claimed.job, claimed.late);
        }
        let begun = Instant::now();
        let result = tokio::select! {
            // The same order each time, so that a simulation can be replayed. The lease first: whoever stood still past its
            // end does not go on.
            biased;
            () = self.keep(claimed, asked) => {
                tracing::warn!(parent: &span, "the lease was lost; somebody else goes on");
                return Ok(Ran::Lost);
            }
            result = self.attempt(claimed).instrument(span.clone()) => Some(result),
            () = stopping.cancelled() => None,
        };
        metrics::took(&claimed.job, begun.elapsed());
        let (ran, outcome) = judge(firing, result.as_ref());
        match self.record.finish(claimed, &outcome).await {
            Ok(()) => span.in_scope(|| note(claimed, ran, result, begun.elapsed())),
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
            // A panic is this attempt's failure, and is told as one.
            Some(job) => {
                AssertUnwindSafe(job.run(&claimed.firing)).catch_unwind().await.unwrap_or_else(|panic| {
                    service::panicked("firing", panic.as_ref());
                    Err(JobError::panicked())
                })
            }
            None => Err(JobError::found(Kind::Internal, "There is no such job.")),
        }
    }

    /// Renews the lease again and again; returns only when it is lost, or may be: it began no earlier than it was asked for,
    /// so by then it has not ended.
    async fn keep(&self, claimed: &Claimed, asked: Instant) {
        let lease = self.record.lease();
        let mut held_until = asked + lease;
        while Instant::now() < held_until {
            tokio::time::sleep_until(held_until.min(Instant::now() + lease / RENEWALS)).await;
            let asked = Instant::now();
            match tokio::time::timeout_at(held_until, self.record.renew(claimed)).await {
                Ok(Ok(())) => held_until = asked + lease,
                Ok(Err(ScheduleError::LeaseLost)) => return,
                Ok(Err(error)) => tracing::warn!(error = chain(&error), "a lease could not be renewed"),
                Err(_) => return,
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

fn note(claimed: &Claimed, ran: Ran, result: Option<Result<(), JobError>>, took: Duration) {
    let (attempt, duration_ms) = (claimed.firing.attempt, took.as_millis() as u64);
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
    metrics::firings(&claimed.job, word, 1);
}
