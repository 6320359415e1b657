//! When a pool asks its connections whether their server takes writes, and when it gives one up that says no.
//!
//! Asking costs a round trip, and a new connection several. So a server that takes writes is asked now and then, one that has just
//! said no each time; and as long as new connections say no as well, there is nothing to be gained from making more of them.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So often one of the connections that come back is asked, as long as none has said no.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// For so long after one said no, all are asked: the others lead to the same server.
const SUSPECT_FOR: Duration = Duration::from_secs(5);

/// So often it is tried whether a new connection is better.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// What one pool has heard of its server.
#[derive(Debug, Default)]
pub(super) struct WriteProbe(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    asked: Option<Instant>,
    /// When a connection last said no,
    refused: Option<Instant>,
    /// and when a new one last did, or was about to be made for that.
    tried: Option<Instant>,
}

impl WriteProbe {
    /// A connection was made.
    pub(super) fn made(&self, takes_writes: bool, now: Instant) {
        self.heard().tried = (!takes_writes).then_some(now);
    }

    /// Whether a connection that comes back is asked.
    pub(super) fn asks(&self, now: Instant) -> bool {
        let mut heard = self.heard();
        let asks = is_recent(heard.refused, SUSPECT_FOR, now) || !is_recent(heard.asked, ASK_EVERY, now);
        if asks {
            heard.asked = Some(now);
        }
        asks
    }

    /// Whether a connection is kept that answered so.
    pub(super) fn keeps(&self, takes_writes: bool, now: Instant) -> bool {
        if takes_writes {
            return true;
        }
        let mut heard = self.heard();
        heard.refused = Some(now);
        let tried = is_recent(heard.tried, TRY_EVERY, now);
        if !tried {
            heard.tried = Some(now);
        }
        tried
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_recent(at: Option<Instant>, within: Duration, now: Instant) -> bool {
    at.is_some_and(|at| now.duration_since(at) < within)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(10);

    #[test]
    fn a_server_that_takes_writes_is_asked_once_a_second() {
        let (probe, start) = (WriteProbe::default(), Instant::now());
        let asked = (0..1000).filter(|n| probe.asks(start + MOMENT * *n)).count();
        assert_eq!(asked, 10);
    }

    #[test]
    fn one_that_does_not_is_asked_each_time_and_left_once_a_second() {
        let (probe, start) = (WriteProbe::default(), Instant::now());
        probe.made(false, start);
        let mut left = 0;
        for n in 1..1000 {
            let now = start + MOMENT * n;
            assert!(probe.asks(now) || n < 3, "{n}");
            if !probe.keeps(false, now) {
                left += 1;
                probe.made(false, now);
            }
        }
        assert_eq!(left, 9);
    }

    #[test]
    fn once_a_new_connection_is_better_the_others_are_given_up_at_once() {
        let (probe, now) = (WriteProbe::default(), Instant::now());
        assert!(!probe.keeps(false, now), "the first that says no");
        assert!(probe.keeps(false, now) && probe.keeps(true, now));
        probe.made(true, now + MOMENT);
        assert!(!probe.keeps(false, now + MOMENT * 2));
    }
}
