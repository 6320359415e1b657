//! How long to wait before trying again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after so many attempts, from half a second to a minute.
pub(crate) fn pause(attempts: u32) -> Duration {
    growing(FIRST_PAUSE, LONGEST_PAUSE, attempts)
}

/// The pause after so many attempts: doubles from the first to the longest, with jitter so that a thousand of them do not
/// return in step.
pub fn growing(first: Duration, longest: Duration, attempts: u32) -> Duration {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_jitter()
        .without_max_times()
        .build();
    pauses.take(attempts.max(1) as usize).last().unwrap_or(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_below_their_bound() {
        assert!(pause(1) >= FIRST_PAUSE && pause(1) <= FIRST_PAUSE * 2);
        assert!(pause(5) > pause(1));
        assert!(pause(1_000) <= LONGEST_PAUSE * 2);
    }
}
