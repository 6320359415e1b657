//! Every step of a saga, broken in every way.

mod faulty;
mod parts;
mod rig;

use std::mem::discriminant;

use common::operations::{Saga, Step};

use crate::effort;

pub use rig::{Part, Rig, Stores, Verdict};

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
    /// It panics before it.
    PanicBefore,
    /// It does everything and panics then.
    PanicAfter,
    /// It fails for good, and undoing it panics.
    PanicInUndo,
    /// It does everything and never comes to an end.
    Hang,
    /// It fails for good, and undoing it never comes to an end.
    HangInUndo,
    /// The process is told to stop in the middle of it, after so many waits, and it hears that.
    Stop(u32),
    /// The same, and it does not hear it.
    StopUnheard(u32),
    /// It fails for good, and the process is told to stop in the middle of undoing it.
    StopInUndo(u32),
    /// It asks to be looked at again before it has done anything.
    LaterBefore,
    /// It does everything, and asks to be looked at again.
    LaterAfter,
    /// The same, and somebody cancels the operation while it waits.
    CancelWaiting,
    /// The process dies after it, again and again, until a person has mended that.
    Poison,
    /// Nothing is wrong with it, and this becomes of what it has done as a part of itself.
    Part(PartEnd),
}

/// What becomes of a step's part. In every other mode it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartEnd {
    /// It fails, and is rolled back.
    RolledBack,
    /// It waits for a person, who lets it go on.
    Stuck,
    /// The same, and the person gives it up.
    Abandoned,
    /// Somebody cancels it before it begins.
    Cancelled,
    /// It runs, and somebody cancels its parent.
    ParentCancelled,
}

impl PartEnd {
    const ALL: [Self; 5] =
        [Self::RolledBack, Self::Stuck, Self::Abandoned, Self::Cancelled, Self::ParentCancelled];
}

impl Mode {
    /// Every way. How often a step waits is its own affair, so a few depths stand for all.
    pub const ALL: [Self; 32] = [
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
        Self::PanicBefore,
        Self::PanicAfter,
        Self::PanicInUndo,
        Self::Hang,
        Self::HangInUndo,
        Self::Stop(1),
        Self::Stop(5),
        Self::StopUnheard(3),
        Self::StopInUndo(1),
        Self::StopInUndo(3),
        Self::LaterBefore,
        Self::LaterAfter,
        Self::CancelWaiting,
        Self::Poison,
    ];

    /// Of those that are one way at several depths, how deep this is; 0 for all others.
    const fn depth(self) -> u32 {
        match self {
            Self::CrashInside(waits)
            | Self::CrashInUndo(waits)
            | Self::Stop(waits)
            | Self::StopUnheard(waits)
            | Self::StopInUndo(waits) => waits,
            Self::ErrorBefore
            | Self::ErrorAfter
            | Self::AnswerLost
            | Self::CrashBefore
            | Self::CrashAfter
            | Self::Repeat
            | Self::UndoTwice
            | Self::LeaseLost
            | Self::Cancel
            | Self::PanicBefore
            | Self::PanicAfter
            | Self::PanicInUndo
            | Self::Hang
            | Self::HangInUndo
            | Self::LaterBefore
            | Self::LaterAfter
            | Self::CancelWaiting
            | Self::Poison
            | Self::Part(_) => 0,
        }
    }

    /// Each way once for the step at this place, those with depths at one of theirs: another one at the next place. All of `ALL` when
    /// everything is to be tried.
    fn at(ordinal: usize) -> impl Iterator<Item = Self> {
        let drawn = move |mode: &Self| {
            let alike = |other: &&Self| discriminant(*other) == discriminant(mode);
            let depths: Vec<_> = Self::ALL.iter().filter(alike).map(|other| other.depth()).collect();
            depths[ordinal % depths.len()] == mode.depth()
        };
        Self::ALL.into_iter().filter(move |mode| effort::is_thorough() || drawn(mode))
    }

    /// Whether it ends in giving up, for a saga that can: the others end as if nothing had been broken.
    pub const fn gives_up(self) -> bool {
        match self {
            Self::ErrorBefore
            | Self::ErrorAfter
            | Self::UndoTwice
            | Self::CrashInUndo(_)
            | Self::PanicInUndo
            | Self::HangInUndo
            | Self::StopInUndo(_)
            | Self::Cancel
            | Self::CancelWaiting => true,
            Self::Part(end) => !matches!(end, PartEnd::Stuck),
            Self::AnswerLost
            | Self::CrashBefore
            | Self::CrashInside(_)
            | Self::CrashAfter
            | Self::Repeat
            | Self::LeaseLost
            | Self::PanicBefore
            | Self::PanicAfter
            | Self::Hang
            | Self::Stop(_)
            | Self::StopUnheard(_)
            | Self::LaterBefore
            | Self::LaterAfter
            | Self::Poison => false,
        }
    }

    /// Whether the step does all it should before anything is wrong.
    const fn does_everything_first(self) -> bool {
        !matches!(
            self,
            Self::ErrorBefore
                | Self::CrashBefore
                | Self::CrashInside(_)
                | Self::LeaseLost
                | Self::Cancel
                | Self::PanicBefore
                | Self::Stop(_)
                | Self::StopUnheard(_)
                | Self::LaterBefore
                | Self::Part(_)
        )
    }

    /// Whether the process is told to stop, instead of dying.
    const fn stops(self) -> bool {
        matches!(self, Self::Stop(_) | Self::StopUnheard(_) | Self::StopInUndo(_))
    }

    /// Whether it strikes while the step is undone.
    const fn is_in_undo(self) -> bool {
        matches!(self, Self::CrashInUndo(_) | Self::PanicInUndo | Self::HangInUndo | Self::StopInUndo(_))
    }

    /// Whether somebody cancels the operation, which those that do not unwind refuse.
    const fn cancels(self) -> bool {
        matches!(self, Self::Cancel | Self::CancelWaiting | Self::Part(PartEnd::ParentCancelled))
    }
}

/// One thing to try: this step, in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub ordinal: usize,
    pub step: &'static str,
    pub mode: Mode,
}

/// Everything there is to try with a saga that is asked for this, taken from the saga itself. One that does not unwind cannot be cancelled.
pub fn points<S: Saga>(saga: &S, request: &S::Request) -> Vec<Point> {
    let steps = saga.steps(request);
    let modes = |ordinal: usize, step: &dyn Step<S>| {
        let parts = step.child().map(|_| PartEnd::ALL.map(Mode::Part)).into_iter().flatten();
        Mode::at(ordinal).chain(parts).filter(|mode| S::UNWINDS || !mode.cancels())
    };
    let steps = steps.iter().enumerate();
    steps
        .flat_map(|(ordinal, step)| {
            modes(ordinal, *step).map(move |mode| Point { ordinal, step: step.name(), mode })
        })
        .collect()
}

/// Of these every third, so that each way is tried at every third step and each step in a third of the ways; all when everything is to be tried. For
/// sagas whose steps are many and mostly those of others.
pub fn every_third(points: Vec<Point>) -> impl Iterator<Item = Point> {
    let ways =
        |point: &Point| Mode::ALL.iter().position(|mode| discriminant(mode) == discriminant(&point.mode));
    points.into_iter().filter(move |point| {
        effort::is_thorough() || ways(point).is_none_or(|way| (way + point.ordinal) % 3 == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_broken_in_each_way_once_and_the_steps_of_a_saga_at_every_depth() {
        let kinds: Vec<_> = Mode::at(0).map(|mode| discriminant(&mode)).collect();
        let all = Mode::ALL.iter().filter(|mode| !kinds.contains(&discriminant(*mode)));
        assert_eq!((kinds.len(), all.count()), (23, 0));
        for ordinal in 1..6 {
            assert_eq!(Mode::at(ordinal).map(|mode| discriminant(&mode)).collect::<Vec<_>>(), kinds);
        }
        let tried: Vec<_> = (0..6).flat_map(Mode::at).collect();
        assert!(Mode::ALL.iter().all(|mode| tried.contains(mode)));
    }
}
