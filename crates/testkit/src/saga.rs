//! Every step of a saga, broken in every way.

mod faulty;
mod rig;

use common::operations::Saga;

pub use rig::{Rig, Verdict};

/// How a step is broken, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It fails for good without having done anything.
    ErrorBefore,
    /// It does everything and fails for good then.
    ErrorAfter,
    /// It does everything, and is told that the other side was away: the answer was lost.
    AnswerLost,
    /// The process dies before it.
    CrashBefore,
    /// The process dies in the middle of it, after so many waits for somebody else.
    CrashInside(u32),
    /// The process dies after it, before that is in the journal.
    CrashAfter,
    /// It is done twice.
    Repeat,
    /// It fails for good, and every undo is done twice.
    UndoTwice,
    /// It fails for good, and the process dies in the middle of undoing it.
    CrashInUndo(u32),
    /// The process is paused before it for so long that another one takes over and finishes; then it goes on.
    LeaseLost,
    /// Somebody cancels the operation before it; what is under way is finished and then undone.
    Cancel,
}

impl Mode {
    /// Every way. How often a step waits is its own affair, so a few depths stand for all.
    pub const ALL: [Self; 18] = [
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::AnswerLost,
        Self::CrashBefore,
        Self::CrashInside(1),
        Self::CrashInside(2),
        Self::CrashInside(3),
        Self::CrashInside(5),
        Self::CrashInside(8),
        Self::CrashInside(13),
        Self::CrashAfter,
        Self::Repeat,
        Self::UndoTwice,
        Self::CrashInUndo(1),
        Self::CrashInUndo(3),
        Self::CrashInUndo(8),
        Self::LeaseLost,
        Self::Cancel,
    ];
}

/// One thing to try: this step, in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub ordinal: usize,
    pub step: &'static str,
    pub mode: Mode,
}

/// Everything there is to try with a saga, taken from the saga itself. One that does not unwind cannot be cancelled.
pub fn points<S: Saga>(saga: &S) -> Vec<Point> {
    let steps = saga.steps();
    let names = steps.iter().map(|step| step.name()).enumerate();
    let modes = Mode::ALL.into_iter().filter(|mode| S::UNWINDS || *mode != Mode::Cancel);
    names.flat_map(|(ordinal, step)| modes.clone().map(move |mode| Point { ordinal, step, mode })).collect()
}
