//! What n8n has accepted runs, whatever becomes of Redis meanwhile.

use std::time::Duration;

use e2e::{Answers, Api, Customer, Service, docker, eventually, labelled, redis, webhook_workflow};
use serde_json::json;

const CALLS: usize = 50;

fn waiting(tenant: &str) -> Result<usize, String> {
    let answer = redis(&format!("LLEN {tenant}:bull:jobs:wait"))?;
    answer.parse().map_err(|_| answer)
}

async fn all_wait(tenant: &str) {
    eventually("every call is queued", Duration::from_secs(30), async || match waiting(tenant)? {
        CALLS => Ok(()),
        other => Err(format!("{other} are queued")),
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn queued_executions_survive_a_restart_and_a_crash_of_redis() {
    let api = Api::of_environment();
    let (tenant, customer) = Customer::of_the_first_tenant(&api).await;
    let workflow = customer.activate(&webhook_workflow("e2e-queued", Answers::WhenQueued)).await;
    let call = async || customer.post("/webhook/e2e-queued", &json!({ "say": "hello" })).await;
    eventually("the webhook answers", Duration::from_secs(30), call).await;
    eventually("it runs", Duration::from_secs(30), async || match customer.succeeded(&workflow).await? {
        0 => Err("no execution has ended".into()),
        _ => Ok(()),
    })
    .await;
    let before = customer.succeeded(&workflow).await.unwrap();

    // So that nobody brings the workers back.
    let provisioner = Service::of("provisioner");
    provisioner.stop();
    let all = labelled("container", &tenant);
    let workers: Vec<_> = all.iter().map(String::as_str).filter(|name| name.contains("worker")).collect();
    docker(&[&["stop"], &workers[..]].concat()).unwrap();
    for _ in 0..CALLS {
        call().await.unwrap();
    }
    all_wait(&tenant).await;
    let server = Service::of("redis");
    server.restart();
    all_wait(&tenant).await;
    server.kill();
    server.start();
    all_wait(&tenant).await;

    docker(&[&["start"], &workers[..]].concat()).unwrap();
    provisioner.start();
    eventually("all of them ran", Duration::from_secs(120), async || {
        let ran = customer.succeeded(&workflow).await? - before;
        if ran == CALLS { Ok(()) } else { Err(format!("{ran} of {CALLS}")) }
    })
    .await;
}
