//! What may be written to a journal.

use common::{
    error::Kind,
    operations::{Event, NewEntry},
};
use serde_json::Value;

use super::{Case, Intent, Verdict, attempts::Attempts, must};
use crate::memory::JournalRow;

/// The account of one step.
#[derive(Debug, Clone, Default)]
pub(super) struct StepAccount {
    pub begun: bool,
    pub succeeded: bool,
    pub undone: bool,
    /// The fence it is run, or undone, under.
    pub running: Option<i64>,
    pub undoing: Option<i64>,
    /// It waits for its next look, which is not written down.
    pub waiting: bool,
    pub runs: Attempts,
    pub undos: Attempts,
}

impl StepAccount {
    pub(super) fn forget_attempts(&mut self) {
        (self.runs, self.undos) = (Attempts::default(), Attempts::default());
    }

    /// Whether somebody is in the middle of it.
    pub(super) fn is_open(&self) -> bool {
        self.running.is_some() || self.undoing.is_some() || self.waiting
    }

    /// Ends the attempt that this fence began, or takes up with another look.
    fn end_run(&mut self, fence: i64, rule: &'static str) -> Verdict {
        let looked = std::mem::take(&mut self.waiting);
        must(self.running.take() == Some(fence) || looked, rule)
    }

    /// Notes that whoever was in the middle of it vanished.
    fn lose(&mut self, event: Event, fence: i64) -> Verdict {
        let (held, attempts) = if event == Event::Failed {
            (self.running.take(), &mut self.runs)
        } else {
            (self.undoing.take(), &mut self.undos)
        };
        attempts.lose();
        let by_another = held.map_or(std::mem::take(&mut self.waiting), |held| held < fence);
        must(by_another, "only what somebody else was in the middle of is lost")
    }
}

impl Case {
    pub(super) fn append(&mut self, entries: &[NewEntry<'_>], fence: i64, intent: Intent) -> Verdict {
        let owed = std::mem::take(&mut self.owes_a_loss);
        let noted = entries.first().is_some_and(is_loss);
        must(owed == noted, "who vanished in the middle of a step is noted first, and nobody else is")?;
        for entry in entries {
            self.append_one(entry, fence, intent)?;
            self.written.push(JournalRow::new(entry, fence));
        }
        Ok(())
    }

    fn append_one(&mut self, entry: &NewEntry<'_>, fence: i64, intent: Intent) -> Verdict {
        let NewEntry { ordinal, event, .. } = *entry;
        let before = self.steps[..ordinal].iter().all(|step| step.succeeded);
        let later_is_open = self.steps[ordinal + 1..].iter().any(|step| step.begun && !step.undone);
        let (forward, unwinds) = (!self.going_back, self.kind.unwinds);
        let (told_late, long_late) = (self.told_late && unwinds, self.is_long_late() && unwinds);
        self.follow_state(entry)?;
        let step = &mut self.steps[ordinal];
        match event {
            Event::Started => {
                must(
                    forward && before && !step.succeeded,
                    "steps are begun in order, and not while going back",
                )?;
                must(!told_late && !long_late, "past its deadline an operation goes back")?;
                step.runs.may_begin()?;
                (step.begun, step.running, step.waiting) = (true, Some(fence), false);
            }
            Event::Succeeded => {
                step.end_run(fence, "only what its holder began succeeds")?;
                must(!long_late, "what is under way at its deadline is ended")?;
                step.succeeded = true;
            }
            Event::Failed | Event::UndoFailed if is_loss(entry) => step.lose(event, fence)?,
            Event::Failed => {
                step.end_run(fence, "only what its holder began fails")?;
                step.runs.fail(failure(entry), unwinds);
            }
            Event::Waiting if step.undoing.is_some() => {
                must(step.undoing.take() == Some(fence), "only what its holder undoes waits")?;
                must(intent.has_parts, "undoing waits for parts, and for nothing else here")?;
                step.undos = Attempts::default();
                step.runs = Attempts::default();
            }
            Event::Waiting => {
                step.end_run(fence, "only what its holder began waits")?;
                step.forget_attempts();
                step.waiting = true;
            }
            Event::UndoStarted => {
                let untouched = ordinal == 0 && !step.begun;
                must(!forward && (step.begun || untouched) && !step.undone, "what began is undone once")?;
                must(!later_is_open, "steps are undone in reverse")?;
                step.undos.may_begin()?;
                (step.undoing, step.running, step.waiting) = (Some(fence), None, false);
            }
            Event::Undone => {
                must(step.undoing.take() == Some(fence), "only what its holder undoes is undone")?;
                step.undone = true;
            }
            Event::UndoFailed => {
                must(step.undoing.take() == Some(fence), "only what its holder undoes fails to be undone")?;
                step.undos.fail(failure(entry), false);
            }
            Event::Resumed => return Err("only a person resumes"),
        }
        Ok(())
    }

    /// What a look saved is what the next one is handed, and the step after it.
    fn follow_state(&mut self, entry: &NewEntry<'_>) -> Verdict {
        let Some(output) = &entry.output else {
            let undoing = self.steps[entry.ordinal].undoing.is_some();
            return must(entry.event != Event::Waiting || undoing, "a look says how far it is");
        };
        let saved = output["looks"].as_u64().unwrap_or_default();
        let (known, first) = (self.looks, !self.steps[entry.ordinal].waiting);
        self.looks = saved;
        if entry.event != Event::Waiting {
            return must(saved == known, "what was saved is handed on");
        }
        must(
            saved == known + 1 || (first && saved == known),
            "a look goes on from what the last one saved, and leaves a row when it is the first or saves something",
        )
    }
}

fn is_loss(entry: &NewEntry<'_>) -> bool {
    word(entry) == Some("lost")
}

fn word<'a>(entry: &'a NewEntry<'_>) -> Option<&'a str> {
    entry.error.as_ref()?.get("kind").and_then(Value::as_str)
}

fn failure(entry: &NewEntry<'_>) -> Kind {
    let word = word(entry).expect("errors have a kind");
    Kind::ALL.iter().copied().find(|kind| kind.as_str() == word).expect("a kind")
}
