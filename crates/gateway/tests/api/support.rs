//! A platform of two gateways on one record, and the words to talk to it.

mod backup;
mod follower;
mod letter;
mod platform;
mod record;
mod replica;
mod request;
mod token;

pub use backup::{kept_backup, kept_backup_of};
pub use follower::Follower;
pub use letter::{garbled, keep};
pub use platform::{Platform, nats_url, redis_url};
pub use record::Record;
pub use replica::{Replica, free_port, send_to};
pub use request::{Call, Reply};
pub use token::{Claims, HMAC_SECRET, JWT_SECRET, NEXT_SECRET};

use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// Waits until it is so.
pub async fn eventually(so: impl AsyncFn() -> bool) {
    let becomes = async {
        while !so().await {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), becomes).await.expect("it becomes so");
}

static ANSWERING: Mutex<()> = Mutex::const_new(());

/// All tests share one bus, and whoever asks there takes the first answer: those who answer for a provisioner take turns.
pub async fn turn_to_answer() -> MutexGuard<'static, ()> {
    ANSWERING.lock().await
}

/// A request for a tenant that nothing is wrong with.
pub fn tenant(subdomain: &str) -> Value {
    json!({
        "name": "Acme Ltd",
        "email": "ada@acme.example",
        "subdomain": subdomain,
        "plan": "pro",
        "mode": "dedicated",
    })
}
