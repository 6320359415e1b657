//! A connection to the real NATS, and patience.

#[allow(dead_code, reason = "not every test shuts a door")]
pub mod door;

use std::time::Duration;

use common::{
    bus::{Bus, BusConfig},
    config::{Env, Section},
};

struct Url(String);

impl Section for Url {
    fn read(env: &mut Env) -> Option<Self> {
        env.required("TEST_NATS_URL").map(Self)
    }
}

/// Where the real NATS is.
pub fn nats_url() -> String {
    Env::of_process().load::<Url>().unwrap().0
}

/// A bus that is connected to what answers at this address.
pub async fn bus_at(url: &str) -> Bus {
    let config: BusConfig = Env::of([("NATS_URL", url)]).load().unwrap();
    let bus = Bus::connect(&config, "bus-test").await.unwrap();
    eventually(async || bus.is_connected()).await;
    bus
}

/// A connected bus, and the stream machinery below it, with this stream gone.
#[allow(dead_code, reason = "not every test has a stream")]
pub async fn bus_without(stream: &str) -> (Bus, async_nats::jetstream::Context) {
    let url = nats_url();
    let raw = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let _ = raw.delete_stream(stream).await;
    (bus_at(&url).await, raw)
}

/// Until it is so.
pub async fn eventually(so: impl AsyncFn() -> bool) {
    let becomes = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), becomes).await.expect("it becomes so");
}
