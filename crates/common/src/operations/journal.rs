//! The journal of one operation, and the one function that says what comes next. Pure: no clock, no database.

use std::fmt;

/// What can happen to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Started,
    Succeeded,
    Failed,
    UndoStarted,
    Undone,
    UndoFailed,
    /// A person let the stuck operation go on: attempts are counted anew.
    Resumed,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::Started,
        Self::Succeeded,
        Self::Failed,
        Self::UndoStarted,
        Self::Undone,
        Self::UndoFailed,
        Self::Resumed,
    ];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::UndoStarted => "undo_started",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
            Self::Resumed => "resumed",
        }
    }

    /// The event of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }
}

/// Where a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    #[default]
    Pending,
    Running,
    Done,
    Failed,
    Undoing,
    Undone,
}

/// An event that cannot follow what the journal says so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("step {ordinal} is {status:?}, it cannot be {event:?}")]
pub struct IllegalEvent {
    pub ordinal: usize,
    pub status: Status,
    pub event: Event,
}

fn follow(ordinal: usize, status: Status, event: Event) -> Option<Status> {
    match (status, event) {
        (status, Event::Resumed) => Some(status),
        // See `next`: the first undo also settles what was accepted and never begun.
        (Status::Pending, Event::UndoStarted) if ordinal == 0 => Some(Status::Undoing),
        // A crash leaves Running behind and a failure Failed; the step simply starts again.
        (Status::Pending | Status::Running | Status::Failed, Event::Started) => Some(Status::Running),
        (Status::Running, Event::Succeeded) => Some(Status::Done),
        (Status::Running, Event::Failed) => Some(Status::Failed),
        // A failed or interrupted step may be half done, so it is undone too. Undoing may be repeated like running.
        (Status::Running | Status::Done | Status::Failed | Status::Undoing, Event::UndoStarted) => {
            Some(Status::Undoing)
        }
        (Status::Undoing, Event::Undone) => Some(Status::Undone),
        (Status::Undoing, Event::UndoFailed) => Some(Status::Undoing),
        _ => None,
    }
}

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub ordinal: usize,
    pub event: Event,
    /// The saga's state after a step that succeeded.
    pub output: Option<serde_json::Value>,
}

/// How an operation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Succeeded,
    RolledBack,
    Stuck,
}

impl End {
    /// The word in the database, the API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled_back",
            Self::Stuck => "stuck",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Run(usize),
    Undo(usize),
    Finish(End),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StepRecord {
    status: Status,
    runs: u32,
    undos: u32,
}

/// Everything the rows say, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    steps: Vec<StepRecord>,
    output: Option<serde_json::Value>,
}

impl Journal {
    /// A journal of `steps` steps in which nothing has happened.
    pub fn new(steps: usize) -> Self {
        Self { steps: vec![StepRecord::default(); steps], output: None }
    }

    /// Takes one more row, or refuses it.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), IllegalEvent> {
        let Entry { ordinal, event, output } = entry;
        let illegal = |status| IllegalEvent { ordinal: *ordinal, status, event: *event };
        let step = self.steps.get_mut(*ordinal).ok_or(illegal(Status::Pending))?;
        step.status = follow(*ordinal, step.status, *event).ok_or(illegal(step.status))?;
        match event {
            Event::Started => step.runs += 1,
            Event::UndoStarted => step.undos += 1,
            Event::Succeeded => self.output.clone_from(output),
            Event::Resumed => self.forget_attempts(),
            Event::Failed | Event::Undone | Event::UndoFailed => {}
        }
        Ok(())
    }

    fn forget_attempts(&mut self) {
        for step in &mut self.steps {
            (step.runs, step.undos) = (0, 0);
        }
    }

    /// What comes next: forward the first step that is not done; backward the last one that was ever begun. The first
    /// step is undone even if nothing was begun: its undo settles what accepting the operation wrote.
    pub fn next(&self, undoing: bool) -> Next {
        let open = |status: Status| !matches!(status, Status::Pending | Status::Undone);
        if undoing {
            let last = self.steps.iter().rposition(|step| open(step.status));
            let untouched = self.steps.first().is_some_and(|first| first.status == Status::Pending);
            let last = last.or(untouched.then_some(0));
            return last.map_or(Next::Finish(End::RolledBack), Next::Undo);
        }
        let first = self.steps.iter().position(|step| step.status != Status::Done);
        first.map_or(Next::Finish(End::Succeeded), Next::Run)
    }

    /// How often this step was begun, and how often undoing it was, since anybody resumed it.
    pub fn attempts(&self, ordinal: usize) -> (u32, u32) {
        self.steps.get(ordinal).map_or((0, 0), |step| (step.runs, step.undos))
    }

    /// The saga's state as the last successful step left it.
    pub fn output(&self) -> Option<&serde_json::Value> {
        self.output.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn entry(ordinal: usize, event: Event) -> Entry {
        Entry { ordinal, event, output: None }
    }

    fn journal(steps: usize, entries: &[(usize, Event)]) -> Journal {
        let mut journal = Journal::new(steps);
        for (ordinal, event) in entries {
            journal.apply(&entry(*ordinal, *event)).unwrap();
        }
        journal
    }

    #[test]
    fn steps_run_in_order_and_then_the_operation_has_succeeded() {
        let mut entries = Vec::new();
        for step in 0..3 {
            assert_eq!(journal(3, &entries).next(false), Next::Run(step));
            entries.extend([(step, Event::Started), (step, Event::Succeeded)]);
        }
        assert_eq!(journal(3, &entries).next(false), Next::Finish(End::Succeeded));
    }

    #[test]
    fn an_interrupted_step_is_run_again_and_when_undoing_it_is_undone_first() {
        let half = journal(3, &[(0, Event::Started), (0, Event::Succeeded), (1, Event::Started)]);
        assert_eq!(half.next(false), Next::Run(1));
        assert_eq!(half.next(true), Next::Undo(1));
    }

    #[test]
    fn what_never_began_is_never_undone_but_the_first_step_settles_the_acceptance() {
        assert_eq!(journal(3, &[]).next(true), Next::Undo(0));
        let failed = journal(3, &[(0, Event::Started), (0, Event::Failed)]);
        assert_eq!(failed.next(true), Next::Undo(0));
        let settled = journal(3, &[(0, Event::UndoStarted), (0, Event::Undone)]);
        assert_eq!(settled.next(true), Next::Finish(End::RolledBack));
        assert!(Journal::new(3).apply(&entry(1, Event::UndoStarted)).is_err());
    }

    /// They are in rows that were written long ago.
    #[test]
    fn the_words_of_events_and_ends_stay_what_they_are() {
        let words = "started succeeded failed undo_started undone undo_failed resumed";
        assert_eq!(Event::ALL.map(Event::as_str).join(" "), words);
        for event in Event::ALL {
            assert_eq!(Event::of_word(event.as_str()), Some(event));
        }
        assert_eq!(Event::of_word("begun"), None);
        let ends = [End::Succeeded, End::RolledBack, End::Stuck].map(|end| end.to_string());
        assert_eq!(ends, ["succeeded", "rolled_back", "stuck"]);
    }

    #[test]
    fn the_state_is_what_the_last_success_left() {
        let mut journal = Journal::new(2);
        assert_eq!(journal.output(), None);
        for (ordinal, event, output) in [
            (0, Event::Started, None),
            (0, Event::Succeeded, Some(json!({ "seen": 1 }))),
            (1, Event::Started, None),
            (1, Event::Failed, Some(json!({ "seen": 2 }))),
        ] {
            journal.apply(&Entry { ordinal, event, output }).unwrap();
        }
        assert_eq!(journal.output(), Some(&json!({ "seen": 1 })));
    }

    #[test]
    fn resuming_changes_nothing_but_the_count_of_attempts() {
        let mut stuck =
            journal(2, &[(0, Event::Started), (0, Event::Failed), (0, Event::Started), (0, Event::Failed)]);
        assert_eq!(stuck.attempts(0), (2, 0));
        let undos =
            [(0, Event::Started), (0, Event::UndoStarted), (0, Event::UndoFailed), (0, Event::UndoStarted)];
        assert_eq!(journal(1, &undos).attempts(0), (1, 2));
        let next = stuck.next(false);
        stuck.apply(&entry(0, Event::Resumed)).unwrap();
        assert_eq!((stuck.attempts(0), stuck.next(false)), ((0, 0), next));
    }

    #[test]
    fn impossible_histories_are_refused() {
        for events in [
            &[Event::Succeeded][..],
            &[Event::Started, Event::Succeeded, Event::Started],
            &[Event::Started, Event::UndoStarted, Event::Started],
            &[Event::Started, Event::UndoStarted, Event::Undone, Event::UndoStarted],
        ] {
            let mut journal = Journal::new(1);
            let refused = events.iter().any(|event| journal.apply(&entry(0, *event)).is_err());
            assert!(refused, "{events:?}");
        }
        assert!(Journal::new(1).apply(&entry(1, Event::Started)).is_err());
    }

    proptest! {
        /// Whatever fails, is interrupted or repeated: following `next` ends, every step that began is undone when the
        /// operation rolls back, and no step begins before the one before it is done.
        #[test]
        fn following_next_always_ends_well(steps in 1usize..8, faults in prop::collection::vec(0u8..4, 0..60)) {
            let (mut journal, mut faults, mut undoing) = (Journal::new(steps), faults.into_iter(), false);
            let mut begun = vec![false; steps];
            let mut undone = vec![false; steps];
            let mut turns = 0;
            let end = loop {
                turns += 1;
                prop_assert!(turns < 1000);
                let fault = faults.next().unwrap_or(0);
                match journal.next(undoing) {
                    Next::Finish(end) => break end,
                    Next::Run(step) => {
                        prop_assert!(begun[..step].iter().all(|b| *b), "step {step} before an earlier one");
                        journal.apply(&entry(step, Event::Started)).unwrap();
                        begun[step] = true;
                        match fault {
                            0 => journal.apply(&entry(step, Event::Succeeded)).unwrap(),
                            1 => journal.apply(&entry(step, Event::Failed)).unwrap(),
                            2 => { journal.apply(&entry(step, Event::Failed)).unwrap(); undoing = true; }
                            _ => {} // a crash
                        }
                    }
                    Next::Undo(step) => {
                        prop_assert!(begun[step] && !undone[step]);
                        journal.apply(&entry(step, Event::UndoStarted)).unwrap();
                        match fault {
                            0 => { journal.apply(&entry(step, Event::Undone)).unwrap(); undone[step] = true; }
                            1 => journal.apply(&entry(step, Event::UndoFailed)).unwrap(),
                            _ => {}
                        }
                    }
                }
            };
            match end {
                End::Succeeded => prop_assert!(!undoing && begun.iter().all(|b| *b)),
                End::RolledBack => prop_assert_eq!(begun, undone),
                End::Stuck => prop_assert!(false, "the journal alone never says stuck"),
            }
        }
    }
}
