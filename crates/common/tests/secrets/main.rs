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

/// The first of so many free ports, below those that any connection may be given: none is taken between being found free and being listened at.
pub fn free_port(count: u16) -> u16 {
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let drawn = || {
        12_000
            + uuid::Uuid::now_v7().as_fields().3[6..].iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte))
                % 20_000
    };
    std::iter::repeat_with(drawn).find(|first| (*first..first + count).all(is_free)).unwrap()
}

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
