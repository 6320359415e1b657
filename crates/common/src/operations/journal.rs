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

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
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
#[path = "journal_tests.rs"]
mod tests;
