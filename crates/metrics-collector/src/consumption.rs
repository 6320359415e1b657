//! Whether anybody takes what waits. A worker that runs, and whose connection to Redis leads nowhere any more, looks well from outside.

use std::time::Duration;

use n8n::queues::Depth;
use tokio::time::Instant;

/// Nobody has taken anything for so long: many times what a worker that is free needs, and less than from one look to the next.
const AFTER: Duration = Duration::from_secs(10);

/// What was not seen for so long may have been anything meanwhile.
const SIGHT: Duration = Duration::from_secs(40);

/// What was seen of one queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consumption(Option<Last>);

/// How it was at the last look.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// How many had been taken.
    taken: u64,
    /// Since when it is no more, although some wait and nobody is at work.
    since: Option<Instant>,
    at: Instant,
}

impl Consumption {
    /// Whether executions wait and no worker takes any. While one is at work on another it may just be busy.
    pub fn note(&mut self, depth: &Depth, now: Instant) -> bool {
        let (taken, idle) = (depth.taken(), depth.waiting > 0 && depth.held == 0);
        let lasts = |last: &Last| last.taken == taken && now.duration_since(last.at) < SIGHT;
        let since = idle.then(|| self.0.filter(lasts).and_then(|last| last.since).unwrap_or(now));
        self.0 = Some(Last { taken, since, at: now });
        since.is_some_and(|since| now.duration_since(since) >= AFTER)
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
            (8, depth(6, 0, 11), false),
            (15, depth(6, 0, 11), true),
            (45, depth(5, 0, 11), false),
            (60, depth(5, 1, 11), false),
            (90, depth(5, 1, 11), false),
            (105, depth(5, 0, 11), false),
            (120, depth(5, 0, 11), true),
            (135, depth(0, 0, 11), false),
            (150, depth(2, 0, 13), false),
            // Nobody could see it meanwhile.
            (240, depth(2, 0, 13), false),
            (255, depth(2, 0, 13), true),
        ];
        let mut consumption = Consumption::default();
        for (seconds, depth, expected) in seen {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(consumption.note(&depth, now), expected, "after {seconds} s");
        }
    }
}
