//! How often something may be tried, by what went wrong.

use std::time::Duration;

use common::error::Kind;

use super::{Verdict, must};

/// How often what has no way back is tried before a person is called.
const LAST_ATTEMPT: u32 = 25;
/// So many holders in a row may vanish in the middle of a step, and from so many on it is suspected of ending them.
const LAST_LOSS: u32 = 5;
const SUSPICIOUS: u32 = 2;

/// What is counted together, and how often it may happen where there is a way back.
const fn class(kind: Kind) -> (usize, Option<u32>) {
    match kind {
        Kind::Unavailable | Kind::Throttled => (0, None),
        Kind::Timeout | Kind::Upstream => (1, Some(8)),
        Kind::Internal => (2, Some(3)),
        Kind::Invalid | Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound | Kind::Conflict => {
            (3, Some(1))
        }
    }
}

/// The account of one direction of one step, since it last waited in peace or a person let it go on.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    failures: [u32; 4],
    /// How often it failed in the way it failed last.
    newest: u32,
    losses: u32,
    /// The last failure was the last that its kind may have.
    pub is_final: bool,
}

impl Attempts {
    /// Fails in this way; `unwinds`: there is a way back.
    pub fn fail(&mut self, kind: Kind, unwinds: bool) {
        let (place, limit) = class(kind);
        self.failures[place] += 1;
        self.newest = self.failures[place];
        self.losses = 0;
        let limit = limit.map(|limit| if unwinds { limit } else { LAST_ATTEMPT });
        self.is_final = limit.is_some_and(|limit| self.newest >= limit);
    }

    /// Whoever tried it vanished.
    pub fn lose(&mut self) {
        self.losses += 1;
    }

    /// Whether another attempt may begin.
    pub fn may_begin(&self) -> Verdict {
        must(!self.is_final, "after its last attempt nothing is tried again")?;
        must(self.losses < LAST_LOSS, "what ends its processes is not begun a sixth time")
    }

    /// Whether it ended as many processes as anybody is given.
    pub fn is_lost(&self) -> bool {
        self.losses == LAST_LOSS
    }

    /// Whether it may be what ends its processes.
    pub fn is_suspicious(&self) -> bool {
        self.losses >= SUSPICIOUS
    }

    /// The pause after a failure, from half a second, doubling, to a minute.
    pub fn pauses_for(&self, pause: Duration) -> Verdict {
        let doubled = 0.5 * 2f64.powi(i32::try_from(self.newest).unwrap_or(i32::MAX) - 1);
        let base = Duration::from_secs_f64(doubled.min(60.0));
        must(
            pause >= base && pause <= base * 2,
            "pauses double, from half a second to a minute, with jitter",
        )?;
        must(!self.is_final, "nobody waits for another attempt after the last")
    }
}
