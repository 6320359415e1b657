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
    /// The kept value if it is younger than `age`, otherwise a fresh one. A failed fetch keeps nothing.
    pub async fn get<E>(&self, age: Duration, fetch: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut kept = self.0.lock().await;
        if let Some((at, value)) = kept.as_ref()
            && at.elapsed() < age
        {
            return Ok(value.clone());
        }
        let value = fetch().await?;
        *kept = Some((Instant::now(), value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_young_value_is_not_fetched_again_and_a_failure_is_not_kept() {
        let cached = Cached::default();
        let hour = Duration::from_secs(3600);
        assert_eq!(cached.get(hour, async || Err::<u8, _>("away")).await, Err("away"));
        assert_eq!(cached.get(hour, async || Ok::<_, &str>(1)).await, Ok(1));
        assert_eq!(cached.get(hour, async || Ok::<_, &str>(2)).await, Ok(1));
        assert_eq!(cached.get(Duration::ZERO, async || Ok::<_, &str>(3)).await, Ok(3));
    }
}
