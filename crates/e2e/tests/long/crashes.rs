//! A service is killed without warning in the middle of a creation: the tenant comes up all the same.

use std::time::Duration;

use e2e::{Api, Service, eventually, labelled};

/// Kills `service` once the creation has begun its `step`, starts it again, and waits for the tenant.
async fn creation_survives(api: &Api, service: &str, step: &str) {
    let (tenant, operation) = api.create_tenant("starter").await;
    eventually(&format!("{step} begins"), Duration::from_secs(120), async || {
        let seen = api.operation(&operation).await?;
        let begun = seen["steps"]
            .as_array()
            .is_some_and(|steps| steps.iter().any(|s| s["name"] == step && s["status"] != "pending"));
        if begun || seen["status"] == "succeeded" { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
    let victim = Service::of(service);
    victim.kill();
    victim.start();
    api.succeeds_after_outage(&operation).await;
    assert_eq!(labelled("container", &tenant).len(), 2, "{service} killed at {step}");
    api.delete_tenant(&tenant).await;
    assert_eq!(labelled("container", &tenant), [""; 0]);
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_creation_survives_the_death_of_any_service() {
    let api = Api::of_environment();
    for (service, step) in [
        ("provisioner", "reserve"),
        ("provisioner", "containers"),
        ("provisioner", "ready"),
        ("gateway", "containers"),
        ("nats", "database"),
    ] {
        creation_survives(&api, service, step).await;
    }
}
