//! How often a firing is tried, and how it ends.

use std::time::Duration;

use common::schedules::{Claimed, Firing, Outcome};
use time::OffsetDateTime;
use tokio::task;

use super::{
    super::{job::Ran, outside::Outside},
    Case, Oracle, Seen, Verdict,
    lease::key_of,
    must,
};
use crate::memory::schedules::State;

/// A firing is tried so often.
const LAST_ATTEMPT: i32 = 10;

impl Oracle {
    /// A job begins.
    pub fn begins(&mut self, job: &str, firing: &Firing) {
        let key = (firing.schedule.clone(), firing.due_at);
        let known = self.accounts.get(&key.0).is_some_and(|account| account.job == job);
        let verdict = must(known && self.cases.contains_key(&key), "a job is run for what fired")
            .and_then(|()| must(firing.attempt <= LAST_ATTEMPT, "a firing is tried ten times at most"));
        self.results.remove(&task::id());
        self.judge_firing(&key, verdict);
    }

    /// A job came back.
    pub fn came_back(&mut self, ran: Ran) {
        self.results.insert(task::id(), ran);
    }

    /// The end of an attempt was noted (`done`) or refused.
    pub fn finished(
        &mut self,
        process: &str,
        claimed: &Claimed,
        outcome: &Outcome,
        done: bool,
        outside: &Outside,
        now: OffsetDateTime,
    ) {
        let (key, result) = (key_of(claimed), self.results.remove(&task::id()));
        let stopping = self.stopping.contains(process);
        let Some(case) = self.cases.get_mut(&key) else { return };
        let holds = case.holds(claimed.fence, now);
        if !done {
            self.see(Seen::LeaseLost, 1);
            return self.judge_firing(&key, must(!holds, "its holder says how an attempt ended"));
        }
        case.lease_until = None;
        let verdict = must(holds, "only its holder says how an attempt ended");
        let ended = case.end_attempt(outcome, result, stopping, now);
        let (seen, verdict) = match (ended, verdict) {
            (Ok(seen), verdict) => (Some(seen), verdict),
            (Err(rule), verdict) => (None, verdict.and(Err(rule))),
        };
        let complete = case.end != Some(State::Done) || outside.is_done(&key);
        if case.end.is_some() {
            self.open.remove(&key);
        }
        seen.into_iter().for_each(|seen| self.see(seen, 1));
        self.judge_firing(&key, verdict.and(must(complete, "what is done has every effect")));
    }
}

impl Case {
    fn end_attempt(
        &mut self,
        outcome: &Outcome,
        result: Option<Ran>,
        stopping: bool,
        now: OffsetDateTime,
    ) -> Result<Seen, &'static str> {
        match outcome {
            Outcome::Done => {
                self.end = Some(State::Done);
                must(result == Some(Ran::Done), "what its job did not do is not done")?;
                Ok(Seen::Done)
            }
            Outcome::Failed(_) => {
                self.end = Some(State::Failed);
                match result {
                    Some(Ran::Final) => Ok(Seen::FailedAtOnce),
                    Some(Ran::Passing) if self.attempts == LAST_ATTEMPT => Ok(Seen::FailedInTheEnd),
                    None if self.attempts > LAST_ATTEMPT => Ok(Seen::NoneCameBack),
                    _ => Err("nothing fails for good before its last attempt"),
                }
            }
            Outcome::Again { pause, .. } => {
                self.not_before = now + *pause;
                must(result == Some(Ran::Passing), "only what may pass is tried again")?;
                must(self.attempts < LAST_ATTEMPT, "nothing is tried again after its last attempt")?;
                self.rests(*pause)?;
                Ok(Seen::TriedAgain)
            }
            Outcome::Released => {
                self.attempts -= 1;
                must(result.is_none() && stopping, "only who stops gives a firing back")?;
                Ok(Seen::GivenBack)
            }
        }
    }

    /// From a second, doubling, to five minutes.
    fn rests(&self, pause: Duration) -> Verdict {
        let doubled = 2f64.powi(self.attempts - 1).min(300.0);
        let base = Duration::from_secs_f64(doubled);
        must(pause >= base && pause <= base * 2, "pauses double, from a second to five minutes, with jitter")
    }
}
