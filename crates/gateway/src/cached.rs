//! A value that may be a moment old, fetched by one caller for all who ask meanwhile.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// The last value and when it was fetched.
#[derive(Debug)]
pub struct Cached<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Cached<T> {
    /// The kept value as long as it is young enough, otherwise a fresh one. What cannot be fetched is a value too: whoever waited for an
    /// attempt is told what came of it, and does not wait for another one.
    pub async fn get(&self, kept_for: impl FnOnce(&T) -> Duration, fetch: impl AsyncFnOnce() -> T) -> T {
        let mut kept = self.0.lock().await;
        if let Some((at, value)) = kept.as_ref()
            && at.elapsed() < kept_for(value)
        {
            return value.clone();
        }
        let value = fetch().await;
        *kept = Some((Instant::now(), value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_young_value_is_not_fetched_again() {
        let cached = Cached::default();
        assert_eq!(cached.get(|_| HOUR, async || 1).await, 1);
        assert_eq!(cached.get(|_| HOUR, async || 2).await, 1);
        assert_eq!(cached.get(|_| Duration::ZERO, async || 3).await, 3);
    }

    #[tokio::test]
    async fn those_who_wait_share_what_comes_of_the_attempt_also_a_failure() {
        let (cached, attempts) = (Cached::default(), Cell::new(0));
        let kept_for = |outcome: &Result<u8, &str>| if outcome.is_ok() { Duration::ZERO } else { HOUR };
        let failing = async || {
            attempts.set(attempts.get() + 1);
            yield_now().await;
            Err("away")
        };
        let outcomes = join_all((0..50).map(|_| cached.get(kept_for, failing))).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Err("away")));
        assert_eq!(attempts.get(), 1);
    }
}
