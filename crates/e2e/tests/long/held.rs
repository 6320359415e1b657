//! Calls that come while a tenant's main is away are kept, and run once it is back: each of them, and none twice.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use e2e::{Called, Service, Told, counted, docker, eventually, main_of};
use serde_json::json;

/// Waits until so many are in the record, also while that starts.
async fn holds(called: &Called, many: u32) {
    let count = format!(
        "SELECT count(*) FROM held_calls WHERE 'ten_' || replace(tenant_id::text, '-', '') = '{}'",
        called.id
    );
    let psql = ["psql", "-qAt", "-U", "postgres", "-d", "rp9", "-c", &count];
    let postgres = Service::of("postgres");
    let asked = [&["exec", postgres.name()], &psql[..]].concat();
    eventually(&format!("{many} calls are held"), Duration::from_secs(90), async || {
        let held = docker(&asked)?;
        if held.trim().parse::<u32>().is_ok_and(|held| held >= many) { Ok(()) } else { Err(held) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn a_restart_that_is_asked_for_is_noticed_by_no_caller() {
    let called = Arc::new(Called::new().await);
    let calls = called.is_called();
    let began = Instant::now();
    let operation = called.api.operate(&called.id, "restart", &json!({})).await;
    called.api.succeeds(&operation).await;
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{:?} in {:?}", counted(&told), began.elapsed());
    assert!(told.values().all(|told| matches!(told.as_str(), "200" | "202")), "{:?}", counted(&told));
    called.each_runs_once(&told).await;
    called.api.delete_tenant(&called.id).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn what_is_held_outlives_the_gateway_and_the_record() {
    let called = Arc::new(Called::new().await);
    // So that nobody brings it back.
    let provisioner = Service::of("provisioner");
    provisioner.stop();
    let main = main_of(&called.id);
    docker(&["stop", &main]).unwrap();
    eventually("calls are held", Duration::from_secs(60), async || {
        let (_, told) = called.call(Called::NOBODYS).await;
        if told == "202" { Ok(()) } else { Err(told) }
    })
    .await;
    let calls = called.is_called();
    for (many, part) in [(20, "gateway"), (60, "postgres")] {
        holds(&called, many).await;
        let part = Service::of(part);
        part.kill();
        part.start();
    }
    holds(&called, 100).await;
    docker(&["start", &main]).unwrap();
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{:?}", counted(&told));
    provisioner.start();
    called.each_runs_once(&told).await;
    called.api.delete_tenant(&called.id).await;
}
