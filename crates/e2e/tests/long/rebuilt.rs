//! An n8n that tenants share loses its database, and everybody comes back.

use std::time::{Duration, Instant};

use e2e::{Answers, Api, Command, Customer, Service, docker, eventually, labelled, sql, webhook_workflow};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Whoever else lives in the first one, and has a backup, comes back too.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn everybody_comes_back_into_a_shared_n8n_that_lost_its_database() {
    let api = Api::of_environment();
    let (tenant, customer) = Customer::moved_in(&api).await;
    customer.activate(&webhook_workflow("rebuilt", Answers::WhenFinished)).await;
    customer.is_answered("/webhook/rebuilt").await;
    let backup = api.operate(&tenant, "backup", &json!({})).await;
    api.succeeds(&backup).await;

    let instance = api.first_shared_instance().await;
    let provisioner = Service::of("provisioner");
    docker(&["pause", provisioner.name()]).unwrap();
    sql("postgres", &format!("DROP DATABASE \"{instance}\" WITH (FORCE)"));
    docker(&["unpause", provisioner.name()]).unwrap();

    let began = Instant::now();
    let path = format!("/shared-instances/{instance}/rebuild");
    let asked = api.command(&Command::post(&path, &json!({ "reason": "It is lost" }))).await.unwrap();
    assert_eq!(asked.status, 202, "{asked:?}");
    api.succeeds_within(asked.body["operation_id"].as_str().unwrap(), LIMIT).await;
    println!("made anew after {:?}", began.elapsed());
    eventually("it answers", LIMIT, async || {
        let answered = customer.call("/webhook/rebuilt", &json!({ "say": "hello" })).await?;
        if answered.status() == 200 { Ok(()) } else { Err(answered.status().to_string()) }
    })
    .await;
    println!("answers after {:?}", began.elapsed());
    assert!(!labelled("container", &instance).is_empty());
    assert_eq!(api.tenant(&tenant).await["status"], "active");
    api.delete_tenant(&tenant).await;
}
