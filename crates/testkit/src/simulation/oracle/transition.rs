//! When an operation may give up, rest and end.

use std::time::Duration;

use common::operations::{Event, NewEntry, Transition};
use tokio::time::Instant;

use super::{Case, Verdict, journal::StepAccount, must};
use crate::memory::Status;

/// Longer than a decision can be on its way: a lease for the answer it is made on, another for the write that tells of it.
const ON_THE_WAY: Duration = Duration::from_secs(35);

/// What is looked at again rests this long at least; so does what waits for its turn to be driven alone.
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// What waits for a part is looked at again after this, unless the part ends before.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What the worker that writes has in mind, as the simulation knows and the record does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Intent {
    /// Its process was told to stop.
    pub stopping: bool,
    /// Its step asked for this pause.
    pub later: Option<Duration>,
    /// It has had something done as a part of itself.
    pub has_parts: bool,
}

impl Case {
    /// Until the deadline, by a clock that nobody sets.
    fn time_left(&self) -> Duration {
        self.deadline_at.saturating_duration_since(Instant::now())
    }

    fn may_be_late(&self) -> bool {
        self.time_left().is_zero()
    }

    /// The deadline has passed, and whoever knew of it has had the time to say so.
    pub(super) fn is_long_late(&self) -> bool {
        self.deadline_at.elapsed() > ON_THE_WAY
    }

    /// What the write makes of the operation.
    pub(super) fn transition(
        &mut self,
        entries: &[NewEntry<'_>],
        transition: &Transition,
        intent: Intent,
        now: Duration,
        lease: Duration,
    ) -> Verdict {
        self.lease_until = Some(now + lease);
        if self.cancelled && !self.going_back && heeds(transition) {
            self.going_back = true;
            return Ok(());
        }
        match transition {
            Transition::Continue => Ok(()),
            Transition::Undo { .. } => {
                self.going_back = true;
                self.may_give_up(entries)
            }
            Transition::Postpone { pause, .. } => {
                self.lease_until = None;
                self.may_rest(entries, *pause, intent, lease)
            }
            Transition::Finish { end, .. } => {
                self.lease_until = None;
                let status = super::end::status(*end);
                (self.stuck, self.end) = (status == Status::Stuck, Some(status).filter(|s| s.is_over()));
                self.may_end(entries, status, intent)
            }
        }
    }

    /// An operation gives up when it is late or an attempt was its step's last.
    fn may_give_up(&self, entries: &[NewEntry<'_>]) -> Verdict {
        let step = entries.last().map(|entry| &self.steps[entry.ordinal]);
        let exhausted = step.is_some_and(|step| step.runs.is_final) || self.may_be_late();
        must(exhausted && self.kind.unwinds, "an operation is not given up before its last attempt")
    }

    /// It rests after a failure, while it waits, before its turn to be driven alone, and when its process stops.
    fn may_rest(
        &self,
        entries: &[NewEntry<'_>],
        pause: Duration,
        intent: Intent,
        lease: Duration,
    ) -> Verdict {
        let failed = entries.last().filter(|entry| entry.event != Event::Waiting);
        if let Some(entry) = failed {
            let step = &self.steps[entry.ordinal];
            must(
                !(self.is_long_late() && self.kind.unwinds) || self.going_back,
                "what is late does not rest",
            )?;
            return if entry.event == Event::Failed { &step.runs } else { &step.undos }.pauses_for(pause);
        }
        // Undoing waits until what was called off has ended.
        if self.going_back && intent.has_parts && intent.later.is_none() && !entries.is_empty() {
            return must(pause == LOOK_AGAIN, "whoever waits for a part looks again in half a minute");
        }
        if let Some(asked) = intent.later {
            let asked = asked.max(SHORTEST_REST);
            must(self.steps.iter().any(|step| step.waiting), "what waits is known to wait")?;
            must(!self.is_long_late(), "what is late does not wait")?;
            let in_time = pause <= self.time_left() + ON_THE_WAY;
            let (whole, cut) = (pause == asked, pause < asked && self.time_left() <= pause + ON_THE_WAY);
            return must(
                in_time && (whole || cut),
                "what waits is looked at after its pause, or at its deadline",
            );
        }
        let turn = pause == SHORTEST_REST && self.is_suspicious();
        let stopped = intent.stopping && (pause.is_zero() || pause == lease);
        must(turn || stopped, "an operation is put down for a reason")
    }

    /// Whether the step that comes next may be what ends its processes.
    pub(super) fn is_suspicious(&self) -> bool {
        let suspicious = |step: &StepAccount| {
            if self.going_back { step.undos.is_suspicious() } else { step.runs.is_suspicious() }
        };
        self.steps.iter().any(suspicious)
    }

    fn may_end(&self, entries: &[NewEntry<'_>], status: Status, intent: Intent) -> Verdict {
        match status {
            Status::Succeeded => {
                must(!self.cancelled, "what was cancelled does not succeed")?;
                let done = |step: &StepAccount| step.succeeded && !step.undone;
                must(self.steps.iter().all(done), "an operation succeeds when all its steps have")
            }
            Status::RolledBack => {
                must(self.going_back && self.kind.unwinds, "only what goes back ends rolled back")?;
                let undone = self.steps.iter().all(|step| step.undone || !step.begun);
                must(undone && self.steps[0].undone, "what began is undone before the operation ends")
            }
            Status::Stuck => self.may_be_stuck(entries, intent),
            Status::Queued | Status::Running | Status::Undoing | Status::Abandoned => {
                Err("a worker ends what it ends as succeeded, rolled back or stuck")
            }
        }
    }

    fn may_be_stuck(&self, entries: &[NewEntry<'_>], intent: Intent) -> Verdict {
        let step = entries.last().map(|entry| &self.steps[entry.ordinal]);
        let no_way_back = self.going_back || !self.kind.unwinds;
        let last = step.is_some_and(|step| step.undos.is_final || step.runs.is_final);
        let ends_its_processes = step.is_some_and(|step| step.undos.is_lost() || step.runs.is_lost());
        let waited_in_vain = intent.later.is_some() && self.may_be_late();
        must(
            ends_its_processes || (no_way_back && (last || waited_in_vain)),
            "a person is called after the last attempt, and only then",
        )
    }
}

/// Whether a cancellation that came before has to turn the operation back at this transition.
fn heeds(transition: &Transition) -> bool {
    match transition {
        Transition::Continue => true,
        Transition::Undo { .. } => false,
        Transition::Postpone { pause, .. } => !pause.is_zero(),
        Transition::Finish { end, .. } => super::end::status(*end) == Status::Succeeded,
    }
}
