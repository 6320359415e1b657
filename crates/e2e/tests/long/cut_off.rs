//! Workers that have lost Redis and do not know.

use std::time::{Duration, Instant};

use e2e::{Network, Queueing, Service, docker, eventually};

const CALLS: usize = 20;
const TAKEN_UP: Duration = Duration::from_secs(240);

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_worker_whose_connections_lead_nowhere_begins_anew_and_takes_what_waits() {
    let it = Queueing::new().await;
    let started = || docker(&["inspect", "--format", "{{.State.StartedAt}}", &it.worker]).unwrap();
    let before = started();
    Network::of(&it.worker).lose_connections_to_redis();
    let had = it.ended().await.unwrap();
    for _ in 0..CALLS {
        it.call().await.unwrap();
    }
    let begun = Instant::now();
    eventually("what waits is taken", TAKEN_UP, async || it.have_ended(had + CALLS).await).await;
    println!("taken {:?} after the last call", begun.elapsed());
    assert_ne!(started(), before);
    let heals = it.heals().await;
    assert_eq!(heals.len(), 1, "{heals:?}");
    it.api.succeeds(heals[0]["id"].as_str().unwrap()).await;
    let reason = format!("{} takes nothing of what waits", it.worker);
    assert!(Service::of("provisioner").logs().contains(&reason));
    it.api.delete_tenant(&it.id).await;
}
