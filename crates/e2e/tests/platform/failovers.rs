//! A tenant whose own n8n is gone is served from a shared one, as the playbook says.

use std::{sync::Arc, time::Instant};

use e2e::{Called, Playbook, Service, docker, labelled, place, sql};
use serde_json::{Value, json};

use crate::promotions::{active, has_more};

/// Its containers and its network are removed behind the platform's back, as a clumsy hand on the machine would: faster than anything is healed.
fn lose(tenant: &str) {
    let provisioner = Service::of("provisioner");
    docker(&["pause", provisioner.name()]).unwrap();
    let containers = labelled("container", tenant);
    for container in &containers {
        docker(&["rm", "--force", container]).unwrap();
    }
    assert_ne!(containers.len(), 0);
    for network in labelled("network", tenant) {
        let attached = docker(&[
            "network",
            "inspect",
            "--format",
            "{{range .Containers}}{{println .Name}}{{end}}",
            &network,
        ])
        .unwrap();
        for name in attached.lines().filter(|name| !name.is_empty()) {
            docker(&["network", "disconnect", "--force", &network, name]).unwrap();
        }
        docker(&["network", "rm", &network]).unwrap();
    }
    docker(&["unpause", provisioner.name()]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn a_tenant_whose_own_n8n_is_gone_is_served_from_a_shared_one() {
    let called = Arc::new(Called::new().await);
    let (api, id) = (&called.api, &called.id);
    has_more(&called.customer).await;
    let (before, executions) = (active(id, None), sql(id, "SELECT count(*) FROM execution_entity"));
    let playbook = Playbook::read("tenant-down.md");
    let run = |heading: &str| tokio::task::block_in_place(|| playbook.run(heading, &[("tenant", id)]));

    lose(id);
    run("1. See what is wrong");
    let began = Instant::now();
    run("3. Let it fall back");
    called.serves().await;
    println!("served again after {:?}", began.elapsed());
    called.customer.is_answered("/webhook/nested").await;

    let tenant = api.tenant(id).await;
    assert_eq!((&tenant["mode"], &tenant["status"]), (&json!("shared"), &json!("active")), "{tenant:#}");
    let (instance, prefix, _) = place(id);
    assert_eq!(
        active(&instance, Some(&prefix)),
        before,
        "the same workflows are active in the same versions"
    );
    let credentials = format!("SELECT count(*) FROM shared_credentials WHERE \"projectId\" = '{prefix}'");
    assert_eq!(sql(&instance, &credentials), "1");
    assert_eq!(labelled("container", id), [""; 0]);

    let told = run("4. See that it works, and what is not there");
    assert!(told.contains(&format!("Not there: {executions} executions")), "{told}");
    assert!(told.contains(&format!("{id}@tenants.invalid")), "{told}");
    playbook.is_done();
    let last: Value = api.get(&format!("/tenants/{id}/failovers")).await.unwrap().body["data"][0].clone();
    println!("callers waited for {}", last["held_seconds"]);
    assert_eq!((&last["status"], &last["source"]), (&json!("succeeded"), &json!("database")), "{last:#}");
    api.delete_tenant(id).await;
}
