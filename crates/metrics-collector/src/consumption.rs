//! Whether anybody takes what waits. A worker that runs, and whose connection to Redis leads nowhere any more, looks well from outside.

use std::time::Duration;

use n8n::queues::Depth;
use tokio::time::Instant;

/// Nobody has taken anything for so long: several times what a worker needs to begin, and two looks.
const AFTER: Duration = Duration::from_secs(25);

/// What was seen of one queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consumption {
    /// How many had been taken, and since when it is no more.
    taken: Option<(u64, Instant)>,
}

impl Consumption {
    /// Whether executions wait and no worker takes any. While one is at work on another it may just be busy.
    pub fn note(&mut self, depth: &Depth, now: Instant) -> bool {
        let idle = depth.waiting > 0 && depth.held == 0;
        let since = match self.taken {
            Some((taken, since)) if idle && taken == depth.taken() => since,
            Some(_) | None => now,
        };
        self.taken = Some((depth.taken(), since));
        idle && now.duration_since(since) >= AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_untouched_for_long_is_idle() {
        let start = Instant::now();
        let depth = |waiting, held, entered| Depth { waiting, active: held, held, entered };
        // Seconds, what is seen, and whether that is idleness.
        let seen = [
            (0, depth(5, 0, 10), false),
            (15, depth(6, 0, 11), false),
            (30, depth(6, 0, 11), true),
            (45, depth(5, 0, 11), false),
            (60, depth(5, 1, 11), false),
            (90, depth(5, 1, 11), false),
            (105, depth(5, 0, 11), false),
            (130, depth(5, 0, 11), true),
            (145, depth(0, 0, 11), false),
        ];
        let mut consumption = Consumption::default();
        for (seconds, depth, expected) in seen {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(consumption.note(&depth, now), expected, "after {seconds} s");
        }
    }
}
