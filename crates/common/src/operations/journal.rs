//! The journal of one operation, and the one function that says what comes next. Pure: no clock, no database.

use std::fmt;

use super::{Class, Tally};

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
    /// It is not done, and nothing is wrong: somebody looks again later.
    Waiting,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 8] = [
        Self::Started,
        Self::Succeeded,
        Self::Failed,
        Self::UndoStarted,
        Self::Undone,
        Self::UndoFailed,
        Self::Resumed,
        Self::Waiting,
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
            Self::Waiting => "waiting",
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
    /// Begun, and to be looked at again. Nothing is written before the next look.
    Waiting,
    Done,
    Failed,
    Undoing,
    /// Undoing it failed, or has to wait for something.
    HalfUndone,
    Undone,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::HalfUndone => "half undone",
            Self::Undone => "undone",
        }
    }
}

/// An event that cannot follow what the journal says so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("step {ordinal} is {}, it cannot be {}", .status.as_str(), .event.as_str())]
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
        (Status::Pending | Status::Running | Status::Waiting | Status::Failed, Event::Started) => {
            Some(Status::Running)
        }
        (Status::Running | Status::Waiting, Event::Waiting) => Some(Status::Waiting),
        (Status::Running | Status::Waiting, Event::Succeeded) => Some(Status::Done),
        (Status::Running | Status::Waiting, Event::Failed) => Some(Status::Failed),
        // A failed or interrupted step may be half done, so it is undone too. Undoing may be repeated like running.
        (
            Status::Running
            | Status::Waiting
            | Status::Done
            | Status::Failed
            | Status::Undoing
            | Status::HalfUndone,
            Event::UndoStarted,
        ) => Some(Status::Undoing),
        (Status::Undoing, Event::Undone) => Some(Status::Undone),
        (Status::Undoing, Event::UndoFailed | Event::Waiting) => Some(Status::HalfUndone),
        _ => None,
    }
}

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub ordinal: usize,
    pub event: Event,
    /// The saga's state after a step that succeeded, or that waits and has saved how far it is.
    pub output: Option<serde_json::Value>,
    /// What sort of failure it was, if it was one.
    pub class: Option<Class>,
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
    run_failures: Tally,
    undo_failures: Tally,
    /// How often a person let the operation go on since this step was begun.
    resumptions: u32,
}

impl StepRecord {
    fn resume(&mut self) {
        self.forget_failures();
        self.resumptions += u32::from(self.status != Status::Pending);
    }

    fn forget_failures(&mut self) {
        (self.run_failures, self.undo_failures) = (Tally::default(), Tally::default());
    }
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
        let Entry { ordinal, event, output, class } = entry;
        let illegal = |status| IllegalEvent { ordinal: *ordinal, status, event: *event };
        let step = self.steps.get_mut(*ordinal).ok_or(illegal(Status::Pending))?;
        step.status = follow(*ordinal, step.status, *event).ok_or(illegal(step.status))?;
        let class = class.unwrap_or(Class::Ours);
        match event {
            Event::Succeeded => self.output.clone_from(output),
            Event::Failed => step.run_failures.note(class),
            Event::UndoFailed => step.undo_failures.note(class),
            Event::Waiting => self.wait(*ordinal, output.as_ref()),
            Event::Resumed => self.steps.iter_mut().for_each(StepRecord::resume),
            Event::Started | Event::UndoStarted | Event::Undone => {}
        }
        Ok(())
    }

    /// It came to an end without anything being wrong, so what was wrong before is over. What it saved is the saga's state now.
    fn wait(&mut self, ordinal: usize, output: Option<&serde_json::Value>) {
        self.steps[ordinal].forget_failures();
        self.output = output.cloned().or(self.output.take());
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

    /// The step in the middle of which the journal ends, and the event that says so if whoever was there has vanished.
    pub fn interrupted(&self) -> Option<(usize, Event)> {
        self.steps.iter().enumerate().find_map(|(ordinal, step)| match step.status {
            Status::Running | Status::Waiting => Some((ordinal, Event::Failed)),
            Status::Undoing => Some((ordinal, Event::UndoFailed)),
            Status::Pending | Status::Done | Status::Failed | Status::HalfUndone | Status::Undone => None,
        })
    }

    /// Whether this step was begun and waits for somebody to look at it again.
    pub fn is_waiting(&self, ordinal: usize) -> bool {
        self.steps.get(ordinal).is_some_and(|step| step.status == Status::Waiting)
    }

    /// How running this step failed.
    pub fn run_failures(&self, ordinal: usize) -> Tally {
        self.steps.get(ordinal).map(|step| step.run_failures).unwrap_or_default()
    }

    /// How undoing this step failed.
    pub fn undo_failures(&self, ordinal: usize) -> Tally {
        self.steps.get(ordinal).map(|step| step.undo_failures).unwrap_or_default()
    }

    /// How often a person let the operation go on since this step was begun.
    pub fn resumptions(&self, ordinal: usize) -> u32 {
        self.steps.get(ordinal).map(|step| step.resumptions).unwrap_or_default()
    }

    /// The saga's state as the last successful step left it, or a step that waits since.
    pub fn output(&self) -> Option<&serde_json::Value> {
        self.output.as_ref()
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
