//! A dependency is away: the API says so, nothing accepted is lost, and work goes on when it is back.

use std::time::Duration;

use e2e::{Answer, Answers, Api, Command, Customer, Service, eventually, labelled, webhook_workflow};
use serde_json::json;

/// Of a tenant's n8n, once its database listens again: it asks every two seconds, and gives up its connections after three failures.
const RECOVERY: Duration = Duration::from_secs(15);

async fn detailed(api: &Api, dependency: &str, state: &str) -> Answer {
    eventually(&format!("{dependency} is {state}"), Duration::from_secs(60), async || {
        let answer = api.get("/health/detailed").await?;
        if answer.body["dependencies"][dependency] == state { Ok(answer) } else { Err(format!("{answer:?}")) }
    })
    .await
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn without_postgres_the_api_asks_to_come_back_later() {
    let (api, postgres) = (Api::of_environment(), Service::of("postgres"));
    postgres.kill();
    let answer = eventually("the API says so", Duration::from_secs(30), async || {
        let answer = api.command(&Command::create("starter")).await?;
        if answer.status == 503 { Ok(answer) } else { Err(format!("{answer:?}")) }
    })
    .await;
    assert!(answer.retry_after.is_some(), "{answer:?}");
    let health = eventually("the health says so", Duration::from_secs(10), async || {
        let answer = api.get("/healthz").await?;
        if answer.status == 503 { Ok(answer) } else { Err(format!("{answer:?}")) }
    })
    .await;
    assert!(health.retry_after.is_some(), "{health:?}");
    postgres.start();
    detailed(&api, "database", "up").await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn without_nats_tenants_are_accepted_and_come_up() {
    let (api, nats) = (Api::of_environment(), Service::of("nats"));
    nats.kill();
    detailed(&api, "nats", "down").await;
    let (tenant, operation) = api.create_sharing("starter").await;
    api.succeeds(&operation).await;
    nats.start();
    detailed(&api, "nats", "up").await;
    api.delete_tenant(&tenant).await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn without_redis_a_creation_waits_and_goes_on_in_another_process() {
    let (api, redis) = (Api::of_environment(), Service::of("redis"));
    redis.kill();
    let answer = detailed(&api, "redis", "down").await;
    assert_eq!(answer.status, 503);
    assert!(answer.retry_after.is_some());
    let (tenant, operation) = api.create_tenant("starter").await;
    eventually("the creation waits for its queue", Duration::from_secs(60), async || {
        let seen = api.operation(&operation).await?;
        let steps = seen["steps"].as_array().cloned().unwrap_or_default();
        let tried = steps.iter().any(|step| step["name"] == "queue" && step["error"].is_object());
        if tried { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
    let provisioner = Service::of("provisioner");
    provisioner.kill();
    redis.start();
    provisioner.start();
    api.succeeds(&operation).await;
    assert_eq!(labelled("container", &tenant).len(), 2);
    api.delete_tenant(&tenant).await;
    assert_eq!(labelled("container", &tenant), [""; 0]);
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn webhooks_are_answered_soon_after_postgres_is_back() {
    let (api, postgres) = (Api::of_environment(), Service::of("postgres"));
    let (_, customer) = Customer::of_the_first_tenant(&api).await;
    customer.activate(&webhook_workflow("e2e-outage", Answers::WhenFinished)).await;
    let call = async || customer.post("/webhook/e2e-outage", &json!({ "say": "hello" })).await;
    eventually("the webhook answers", Duration::from_secs(30), call).await;

    postgres.kill();
    // As long as an upgrade of the server takes: by now n8n waits as long between two tries as it ever does.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(call().await.is_err());
    postgres.start();
    detailed(&api, "database", "up").await;
    eventually("the webhook answers again", RECOVERY, call).await;
    for _ in 0..20 {
        call().await.unwrap();
    }
}
