//! What a failure means for the message. Pure.

use std::time::Duration;

use crate::{backoff::pause, dead_letters::Reason, error::Kind};

/// A dependency that answers with errors, or not in time, may be broken for this message alone. With the pauses between
/// them, some two minutes.
const UPSTREAM_ATTEMPTS: u32 = 8;
/// Our own mistakes, and what a newer replica may understand: a few attempts, so that another replica gets one.
const FEW_ATTEMPTS: u32 = 4;
/// A process that dies of a message never says so. Handling it so often without a word means that it is the message.
const UNSETTLED_DELIVERIES: u32 = 20;

/// What to do about a message that was not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same again here after this pause: what is missing is missing for every message.
    Wait(Duration),
    /// The same again by anybody after this pause.
    Again(Duration),
    /// Never again.
    Dead(Reason),
}

/// Decides about a message whose handling failed. `delivered` counts its deliveries, `tries` those within this one.
pub fn after_failure(kind: Kind, delivered: u32, tries: u32) -> Verdict {
    let limit = match kind {
        Kind::Unavailable | Kind::Throttled => return Verdict::Wait(pause(tries)),
        Kind::Timeout | Kind::Upstream => UPSTREAM_ATTEMPTS,
        Kind::Internal => FEW_ATTEMPTS,
        Kind::Invalid | Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound | Kind::Conflict => {
            return Verdict::Dead(Reason::Refused);
        }
    };
    if delivered < limit { Verdict::Again(pause(delivered)) } else { Verdict::Dead(Reason::Exhausted) }
}

/// Decides about a message of a sort nobody here knows: in a rollout, a newer replica may.
pub fn after_unknown(delivered: u32) -> Verdict {
    if delivered < FEW_ATTEMPTS { Verdict::Again(pause(delivered)) } else { Verdict::Dead(Reason::Unknown) }
}

/// Whether a message was handed out too often to be tried once more.
pub fn is_worn_out(delivered: u32) -> bool {
    delivered > UNSETTLED_DELIVERIES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_is_away_is_waited_for() {
        assert!(matches!(after_failure(Kind::Unavailable, 1_000, 1_000), Verdict::Wait(_)));
    }

    #[test]
    fn what_cannot_be_done_is_not_tried_again() {
        assert_eq!(after_failure(Kind::Conflict, 1, 1), Verdict::Dead(Reason::Refused));
    }

    #[test]
    fn attempts_end() {
        assert!(matches!(after_failure(Kind::Internal, FEW_ATTEMPTS - 1, 1), Verdict::Again(_)));
        assert_eq!(after_failure(Kind::Internal, FEW_ATTEMPTS, 1), Verdict::Dead(Reason::Exhausted));
        assert!(matches!(after_failure(Kind::Upstream, UPSTREAM_ATTEMPTS - 1, 1), Verdict::Again(_)));
        assert_eq!(after_failure(Kind::Timeout, UPSTREAM_ATTEMPTS, 1), Verdict::Dead(Reason::Exhausted));
    }

    #[test]
    fn an_unknown_sort_gets_a_few_replicas_to_know_it() {
        assert!(matches!(after_unknown(1), Verdict::Again(_)));
        assert_eq!(after_unknown(FEW_ATTEMPTS), Verdict::Dead(Reason::Unknown));
    }

    #[test]
    fn failing_openly_never_wears_a_message_out_first() {
        assert!(!is_worn_out(UPSTREAM_ATTEMPTS) && !is_worn_out(FEW_ATTEMPTS));
        assert!(is_worn_out(UNSETTLED_DELIVERIES + 1));
    }
}
