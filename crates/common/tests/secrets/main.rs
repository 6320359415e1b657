//! Secrets out of backends: a real OpenBao, and recorded answers of those that cannot be run here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod bao;
mod child;
mod doppler;
mod files;
mod onepassword;
mod recorded;
mod running;
mod starting;
mod vault;

use std::time::Duration;

/// Until it is so.
pub async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    let becomes = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(60), becomes).await.is_err() {
        panic!("it does not become so: {what}");
    }
}
