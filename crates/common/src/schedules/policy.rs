//! What a failed firing means. Pure.

use std::time::Duration;

use crate::backoff::growing;

/// With the pauses below a firing is tried for about a quarter of an hour.
pub const ATTEMPTS: i32 = 10;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long to wait after this attempt; nothing, if it was the last.
pub fn pause_after(attempts: i32) -> Option<Duration> {
    (attempts < ATTEMPTS)
        .then(|| growing(FIRST_PAUSE, LONGEST_PAUSE, u32::try_from(attempts).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_attempts_end() {
        let pauses: Vec<_> = (1..ATTEMPTS).map(|attempt| pause_after(attempt).unwrap()).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] < pair[1] * 2));
        assert!(pauses[0] >= FIRST_PAUSE && pauses.iter().all(|pause| *pause <= LONGEST_PAUSE * 2));
        let total: Duration = pauses.iter().sum();
        assert!((500..2_000).contains(&total.as_secs()), "{total:?}");
        assert_eq!(pause_after(ATTEMPTS), None);
    }
}
