//! What a failure means for the operation. Pure.

use std::time::Duration;

use super::Class;
use crate::{backoff::pause, error::Kind};

/// A dependency that answers with errors, or not in time, may be broken for this request alone: some attempts, then undo.
const FAULTY_ATTEMPTS: u32 = 8;
/// Our own mistakes rarely go away; a few attempts cover what only looked like one.
const OUR_ATTEMPTS: u32 = 3;
/// Undoing has no way back, so it is tried for longer: with the pauses below about twenty minutes.
const UNDO_ATTEMPTS: u32 = 25;
/// One holder may vanish for any reason. After two in a row the step itself may be what ends them.
const SUSPECT_LOSSES: u32 = 2;
/// So many in a row are the step's doing, and nobody else's process should end for it.
const LOSSES: u32 = 5;

/// What to do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The same step again, after this pause.
    Retry(Duration),
    /// Give up and undo everything.
    Undo,
    /// Nothing more can be done without a person.
    Stuck,
}

impl Failure {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry(_) => "retry",
            Self::Undo => "undo",
            Self::Stuck => "stuck",
        }
    }
}

/// Decides about a failed run of a step: the `failures`-th of its class. `unwinds` says whether the saga can be undone at all;
/// `late` that its deadline is past.
pub fn after_run(kind: Kind, failures: u32, unwinds: bool, late: bool) -> Failure {
    let limit = match Class::of(kind) {
        // A dependency that is away is nobody's fault: wait for it, until the deadline.
        Class::Away => u32::MAX,
        Class::Faulty => FAULTY_ATTEMPTS,
        Class::Ours => OUR_ATTEMPTS,
        Class::Lasting => 1,
        Class::Lost => LOSSES,
    };
    match (late || failures >= limit, unwinds) {
        (false, _) => Failure::Retry(pause(failures)),
        (true, true) => Failure::Undo,
        // What cannot be undone is tried as long as an undo would be.
        (true, false) => after_undo(kind, failures),
    }
}

/// Decides about a failed undo.
pub fn after_undo(kind: Kind, failures: u32) -> Failure {
    let away = Class::of(kind) == Class::Away;
    if away || failures < UNDO_ATTEMPTS { Failure::Retry(pause(failures)) } else { Failure::Stuck }
}

/// Decides about a step that waits for something and whose operation's deadline has passed.
pub const fn past_deadline(unwinds: bool) -> Failure {
    if unwinds { Failure::Undo } else { Failure::Stuck }
}

/// What to do about a step in the middle of which its holders vanished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is begun again.
    Again,
    /// The same, but beside no other of which this is said: what ends its process must not take all of them along again.
    Alone,
    /// It ends whatever process it is begun in: a person has to look.
    Stuck,
}

/// Decides about a step that so many holders in a row never came to the end of.
pub const fn after_losses(losses: u32) -> Loss {
    if losses >= LOSSES {
        Loss::Stuck
    } else if losses >= SUSPECT_LOSSES {
        Loss::Alone
    } else {
        Loss::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_is_away_is_waited_for_until_the_deadline() {
        assert!(matches!(after_run(Kind::Unavailable, 10_000, true, false), Failure::Retry(_)));
        assert_eq!(after_run(Kind::Unavailable, 1, true, true), Failure::Undo);
    }

    #[test]
    fn a_dependency_that_answers_with_errors_gets_some_attempts() {
        assert!(matches!(after_run(Kind::Upstream, FAULTY_ATTEMPTS - 1, true, false), Failure::Retry(_)));
        assert_eq!(after_run(Kind::Upstream, FAULTY_ATTEMPTS, true, false), Failure::Undo);
    }

    #[test]
    fn what_is_wrong_and_stays_wrong_is_undone_at_once() {
        assert_eq!(after_run(Kind::Conflict, 1, true, false), Failure::Undo);
    }

    #[test]
    fn what_cannot_be_undone_calls_a_person_in_the_end_and_not_before() {
        assert!(matches!(after_run(Kind::Conflict, 1, false, false), Failure::Retry(_)));
        assert_eq!(after_run(Kind::Conflict, UNDO_ATTEMPTS, false, true), Failure::Stuck);
        assert_eq!(after_undo(Kind::Internal, UNDO_ATTEMPTS), Failure::Stuck);
        assert!(matches!(after_undo(Kind::Unavailable, 10_000), Failure::Retry(_)));
    }

    #[test]
    fn what_waits_past_its_deadline_goes_back_or_calls_a_person() {
        assert_eq!((past_deadline(true), past_deadline(false)), (Failure::Undo, Failure::Stuck));
    }

    #[test]
    fn a_step_that_ends_its_process_is_soon_done_alone_and_then_not_at_all() {
        let verdicts: Vec<_> = (0..=6).map(after_losses).collect();
        let (again, alone, stuck) = (Loss::Again, Loss::Alone, Loss::Stuck);
        assert_eq!(verdicts, [again, again, alone, alone, alone, stuck, stuck]);
    }
}
