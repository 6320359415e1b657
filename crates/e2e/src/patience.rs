//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

const ASK_EVERY: Duration = Duration::from_millis(200);

/// Asks until the answer is `Ok`; after `limit` the test fails with the last reason.
pub async fn eventually<T>(what: &str, limit: Duration, ask: impl AsyncFn() -> Result<T, String>) -> T {
    let end = Instant::now() + limit;
    loop {
        match ask().await {
            Ok(value) => return value,
            Err(reason) if Instant::now() >= end => panic!("{what}: not within {limit:?}: {reason}"),
            Err(_) => tokio::time::sleep(ASK_EVERY).await,
        }
    }
}
