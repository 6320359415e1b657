use common::{id::RecordId, service::Readiness};
use edge::{Settings, Snapshot};
use secrecy::SecretString;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::*;
use crate::memory::Memory;

/// Whose routes change by the record that they are of.
fn told(record: u128) -> Snapshot {
    Snapshot { record: RecordId::from_uuid(Uuid::from_u128(record)), routes: Vec::new(), left: Vec::new() }
}

fn port() -> Port {
    let folder = std::env::temp_dir().join(format!("rp9-relay-{}", Uuid::now_v7()));
    let waiting = "http://edge-relay:8082".parse().unwrap();
    let settings = Settings { tls: None, waiting, in_flight: 500, tenants: "10.201.0.0/16".parse().unwrap() };
    let latch = Readiness::default().latch("routes");
    let relay = Relay::remember(Memory::at(folder).unwrap(), settings, latch).unwrap();
    Port { relay, token: SecretString::from("a".repeat(32)).into(), last: Arc::default() }
}

#[tokio::test(start_paused = true)]
async fn who_has_the_newest_document_waits_for_the_next_one_and_a_newcomer_for_none() {
    let (port, began) = (port(), Instant::now());
    let [first, second]: [SocketAddr; 2] =
        ["10.0.0.1:4000", "10.0.0.1:4001"].map(|address| address.parse().unwrap());
    assert!(port.next(first).await.is_none(), "there is none yet, and nobody waits for it");
    port.relay.offer(told(1));
    let version = port.next(first).await.unwrap().version;
    assert_eq!(began.elapsed(), Duration::ZERO);
    // Nothing changes: the same one, after a while.
    assert_eq!(port.next(first).await.unwrap().version, version);
    assert_eq!(began.elapsed(), HOLD);
    // Started anew, it has nothing.
    assert_eq!(port.next(second).await.unwrap().version, version);
    assert_eq!(began.elapsed(), HOLD);
    let change = async {
        sleep(Duration::from_millis(300)).await;
        port.relay.ask(std::collections::BTreeSet::new());
    };
    let (next, ()) = tokio::join!(port.next(second), change);
    assert_eq!(next.unwrap().version, version + 1);
    assert_eq!(began.elapsed(), HOLD + Duration::from_millis(300));
    // What changed while it was busy with the last one it gets at once.
    port.relay.ask(std::collections::BTreeSet::new());
    assert_eq!(port.next(second).await.unwrap().version, version + 2);
    assert_eq!(began.elapsed(), HOLD + Duration::from_millis(300));
}
