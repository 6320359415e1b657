//! What a failure means for the operation. Pure.

use std::time::Duration;

use crate::{backoff::pause, error::Kind};

/// A dependency that answers with errors, or not in time, may be broken for this request alone: some attempts, then undo.
const UPSTREAM_ATTEMPTS: u32 = 8;
/// Our own mistakes rarely go away; a few attempts cover what only looked like one.
const INTERNAL_ATTEMPTS: u32 = 3;
/// Undoing has no way back, so it is tried for longer: with the pauses below about twenty minutes.
const UNDO_ATTEMPTS: u32 = 25;

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

/// Decides about a failed run of a step. `unwinds` says whether the saga can be undone at all; `late` that its deadline is
/// past.
pub fn after_run(kind: Kind, attempts: u32, unwinds: bool, late: bool) -> Failure {
    let limit = match kind {
        // A dependency that is away is nobody's fault: wait for it, until the deadline.
        Kind::Unavailable | Kind::Throttled => u32::MAX,
        Kind::Timeout | Kind::Upstream => UPSTREAM_ATTEMPTS,
        Kind::Internal => INTERNAL_ATTEMPTS,
        Kind::Invalid | Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound | Kind::Conflict => 1,
    };
    match (late || attempts >= limit, unwinds) {
        (false, _) => Failure::Retry(pause(attempts)),
        (true, true) => Failure::Undo,
        // What cannot be undone is tried as long as an undo would be.
        (true, false) => after_undo(kind, attempts),
    }
}

/// Decides about a failed undo.
pub fn after_undo(kind: Kind, attempts: u32) -> Failure {
    let away = matches!(kind, Kind::Unavailable | Kind::Throttled);
    if away || attempts < UNDO_ATTEMPTS { Failure::Retry(pause(attempts)) } else { Failure::Stuck }
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
        assert!(matches!(after_run(Kind::Upstream, UPSTREAM_ATTEMPTS - 1, true, false), Failure::Retry(_)));
        assert_eq!(after_run(Kind::Upstream, UPSTREAM_ATTEMPTS, true, false), Failure::Undo);
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
}
