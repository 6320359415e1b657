//! What may be written to a journal, and when an operation may give up, rest and end.

use std::time::Duration;

use common::{
    error::Kind,
    operations::{Event, NewEntry},
};

use super::{Case, LAST_ATTEMPT, limit};
use crate::memory::{JournalRow, Status};

/// The account of one step.
#[derive(Debug, Clone, Default)]
pub(super) struct StepAccount {
    begun: bool,
    succeeded: bool,
    undone: bool,
    /// The fence it is run, or undone, under.
    pub running: Option<i64>,
    pub undoing: Option<i64>,
    /// Attempts since a person let it go on, and whether the last of them was final.
    runs: u32,
    undos: u32,
    run_is_final: bool,
    undo_is_final: bool,
}

impl StepAccount {
    pub(super) fn forget_attempts(&mut self) {
        (self.runs, self.undos, self.run_is_final, self.undo_is_final) = (0, 0, false, false);
    }
}

type Verdict = Result<(), &'static str>;

fn must(holds: bool, rule: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(rule) }
}

impl Case {
    pub(super) fn append(&mut self, entries: &[NewEntry<'_>], fence: i64) -> Verdict {
        for entry in entries {
            self.append_one(entry, fence)?;
            let NewEntry { ordinal, event, output, .. } = entry;
            let row = JournalRow { ordinal: *ordinal, event: *event, fence, output: output.clone() };
            self.written.push(row);
        }
        Ok(())
    }

    fn append_one(&mut self, entry: &NewEntry<'_>, fence: i64) -> Verdict {
        let NewEntry { ordinal, event, .. } = *entry;
        let before = self.steps[..ordinal].iter().all(|step| step.succeeded);
        let later_is_open = self.steps[ordinal + 1..].iter().any(|step| step.begun && !step.undone);
        let (forward, late) = (!self.going_back, self.late && self.kind.unwinds);
        let failure = failure(entry);
        let may_unwind = self.kind.unwinds;
        let step = &mut self.steps[ordinal];
        match event {
            Event::Started => {
                must(
                    forward && before && !step.succeeded,
                    "steps are begun in order, and not while going back",
                )?;
                must(!late, "past its deadline an operation goes back")?;
                must(!step.run_is_final, "after its last attempt a step is not tried again")?;
                (step.begun, step.running, step.runs) = (true, Some(fence), step.runs + 1);
            }
            Event::Succeeded => {
                must(step.running == Some(fence), "only what its holder began succeeds")?;
                (step.succeeded, step.running) = (true, None);
            }
            Event::Failed => {
                must(step.running.take() == Some(fence), "only what its holder began fails")?;
                let limit = limit(failure).map(|limit| if may_unwind { limit } else { LAST_ATTEMPT });
                step.run_is_final = late || limit.is_some_and(|limit| step.runs >= limit);
            }
            Event::UndoStarted => {
                let untouched = ordinal == 0 && !step.begun;
                must(!forward && (step.begun || untouched) && !step.undone, "what began is undone once")?;
                must(!later_is_open, "steps are undone in reverse")?;
                must(!step.undo_is_final, "after its last attempt an undo is not tried again")?;
                (step.undoing, step.undos, step.running) = (Some(fence), step.undos + 1, None);
            }
            Event::Undone => {
                must(step.undoing.take() == Some(fence), "only what its holder undoes is undone")?;
                step.undone = true;
            }
            Event::UndoFailed => {
                must(step.undoing.take() == Some(fence), "only what its holder undoes fails to be undone")?;
                step.undo_is_final = limit(failure).is_some() && step.undos >= LAST_ATTEMPT;
            }
            Event::Resumed => return Err("only a person resumes"),
        }
        Ok(())
    }

    /// An operation gives up when it is late or an attempt was its step's last.
    pub(super) fn may_give_up(&self, entries: &[NewEntry<'_>]) -> Verdict {
        let step = entries.last().map(|entry| &self.steps[entry.ordinal]);
        let exhausted = step.map_or(self.late, |step| step.run_is_final);
        must(exhausted && self.kind.unwinds, "an operation is not given up before its last attempt")
    }

    /// It rests after a failure, from half a second, doubling, to a minute; or not at all, when its process stops.
    pub(super) fn may_rest(&self, entries: &[NewEntry<'_>], pause: Duration) -> Verdict {
        let Some(entry) = entries.last() else {
            return must(pause.is_zero(), "an operation rests only after a failure");
        };
        let step = &self.steps[entry.ordinal];
        let failed = (entry.event == Event::Failed).then_some((step.runs, step.run_is_final));
        let (attempts, is_final) = failed.unwrap_or((step.undos, step.undo_is_final));
        let doubled = 0.5 * 2f64.powi(i32::try_from(attempts).unwrap_or(i32::MAX) - 1);
        let base = Duration::from_secs_f64(doubled.min(60.0));
        must(
            pause >= base && pause <= base * 2,
            "pauses double, from half a second to a minute, with jitter",
        )?;
        must(!is_final, "nobody waits for another attempt after the last")
    }

    pub(super) fn may_end(&self, entries: &[NewEntry<'_>], status: Status) -> Verdict {
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
            Status::Stuck => {
                let step = entries.last().map(|entry| &self.steps[entry.ordinal]);
                let last = step.is_some_and(|step| step.undo_is_final || step.run_is_final);
                let no_way_back = self.going_back || !self.kind.unwinds;
                must(last && no_way_back, "a person is called after the last attempt, and only then")
            }
            Status::Queued | Status::Running | Status::Undoing | Status::Abandoned => {
                Err("a worker ends what it ends as succeeded, rolled back or stuck")
            }
        }
    }
}

fn failure(entry: &NewEntry<'_>) -> Kind {
    let kind = entry.error.as_ref().map(|error| error["kind"].clone());
    kind.map_or(Kind::Internal, |kind| serde_json::from_value(kind).expect("errors have a kind"))
}
