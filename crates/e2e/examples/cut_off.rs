//! How long what waits is not taken after workers were cut off from Redis: their interface down, packets lost, Redis itself still.
//! `just cut-off` runs it on a platform that is up, and nobody helps; `docs/observability.md` has the figures.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on ends here")]

use std::time::{Duration, Instant};

use e2e::{Network, Queueing, Service, docker, eventually};

const CALLS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(300);

/// Calls it as soon as it can be called again, and tells how long after `since` the last of them had ended.
async fn measure(what: &str, it: &Queueing, since: Instant) {
    let had = it.ended().await.unwrap_or_default();
    let mut called = 0;
    while called < CALLS {
        eventually("it is called", PATIENCE, async || it.call().await).await;
        called += 1;
    }
    let all_called = since.elapsed();
    eventually("all have ended", PATIENCE, async || it.have_ended(had + CALLS).await).await;
    let heals = it.heals().await.len();
    println!("| {what} | {:.1} | {:.1} | {heals} |", all_called.as_secs_f64(), since.elapsed().as_secs_f64());
}

#[tokio::main]
async fn main() {
    println!("| cut off | all called after s | all ended after s | heals |\n|---|---|---|---|");
    let it = Queueing::new().await;
    let network = Network::of(&it.worker);
    network.set_up(false);
    tokio::time::sleep(Duration::from_secs(2)).await;
    network.set_up(true);
    measure("the worker's interface, 2 s", &it, Instant::now()).await;

    let network = Network::of(&it.worker);
    network.lose_redis();
    tokio::time::sleep(Duration::from_secs(90)).await;
    // A worker that has begun anew meanwhile has another network.
    if docker(&["inspect", "--format", "{{.State.Pid}}", &it.worker]).unwrap() == network.pid() {
        network.heal();
    }
    measure("the worker's packets to Redis, 90 s", &it, Instant::now()).await;

    let redis = Service::of("redis");
    docker(&["pause", redis.name()]).unwrap();
    tokio::time::sleep(Duration::from_secs(180)).await;
    docker(&["unpause", redis.name()]).unwrap();
    measure("Redis stands still, 180 s", &it, Instant::now()).await;

    Network::of(&it.worker).lose_connections_to_redis();
    measure("the connections lead nowhere, for good", &it, Instant::now()).await;
    it.api.delete_tenant(&it.id).await;
}
