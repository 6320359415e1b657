//! What the answer to a delivered call means.

use std::time::Duration;

use common::backoff::growing;
use http::StatusCode;

use crate::send::Sent;

/// So often a call is sent to an n8n that does not take it.
const MOST_TRIES: i32 = 10;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A route that leads elsewhere is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What is done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The tenant's n8n has answered, whatever.
    Delivered,
    /// It has not reached the tenant's n8n, and has not to be sent again before this; nor any other of the tenant's.
    NotYet(Duration),
    /// The n8n, or the way to it, failed: it may have run, and is sent again.
    Again(Duration),
    /// It was sent often enough, or nobody knows whether it runs: a person decides.
    Dead,
}

/// After so many tries, this one included.
pub fn verdict(sent: &Sent, tries: i32) -> Verdict {
    match sent {
        Sent::Unreached(_) | Sent::Page => Verdict::NotYet(LOOK_AGAIN),
        Sent::Throttled => Verdict::NotYet(FIRST_PAUSE),
        Sent::Answered(answer) => match answer.status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                again(tries)
            }
            _ => Verdict::Delivered,
        },
        // It runs, or was forgotten by an n8n whose database went away: nobody knows, and sent again it may run twice.
        Sent::Silent => Verdict::Dead,
        Sent::BrokenOff(_) => again(tries),
    }
}

fn again(tries: i32) -> Verdict {
    if tries >= MOST_TRIES {
        return Verdict::Dead;
    }
    Verdict::Again(growing(FIRST_PAUSE, LONGEST_PAUSE, u32::try_from(tries).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call::Headers, store::Answer};

    fn of(status: u16, tries: i32) -> Verdict {
        let status = StatusCode::from_u16(status).unwrap();
        verdict(&Sent::Answered(Answer { status, headers: Headers::default(), body: None }), tries)
    }

    #[test]
    fn whatever_n8n_says_is_its_answer() {
        for status in [200, 204, 302, 400, 401, 404, 429, 500] {
            assert_eq!(of(status, 1), Verdict::Delivered, "{status}");
        }
    }

    #[test]
    fn what_may_run_or_not_is_for_a_person_to_decide() {
        assert_eq!(verdict(&Sent::Silent, 1), Verdict::Dead);
    }

    #[test]
    fn what_never_reached_n8n_is_no_delivery() {
        for sent in [Sent::Page, Sent::Unreached("refused".into())] {
            assert_eq!(verdict(&sent, 100), Verdict::NotYet(LOOK_AGAIN));
        }
        assert_eq!(verdict(&Sent::Throttled, 100), Verdict::NotYet(FIRST_PAUSE));
    }

    #[test]
    fn what_failed_is_sent_again_and_not_for_ever() {
        let pause = |verdict: Verdict| match verdict {
            Verdict::Again(pause) => pause,
            Verdict::Delivered | Verdict::NotYet(_) | Verdict::Dead => panic!("{verdict:?}"),
        };
        for status in [502, 503, 504] {
            assert!(pause(of(status, 1)) < pause(of(status, 6)), "{status}");
            assert_eq!(of(status, MOST_TRIES), Verdict::Dead);
        }
        assert!(pause(verdict(&Sent::BrokenOff("cut".into()), 1)) <= LONGEST_PAUSE);
    }
}
