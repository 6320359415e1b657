//! One tenant from its creation to its removal, as its customer and its operator see it.

use std::time::Duration;

use e2e::{Answers, Api, Customer, docker, eventually, labelled, webhook_workflow};
use serde_json::{Value, json};

const PATH: &str = "/webhook/e2e-echo";

async fn call(customer: &Customer) -> Result<Value, String> {
    let answer = customer.post(PATH, &json!({ "say": "hello" })).await?;
    if answer.to_string().contains("hello") { Ok(answer) } else { Err(answer.to_string()) }
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_tenant_lives_from_its_creation_to_its_removal() {
    let api = Api::of_environment();
    let (tenant, operation) = api.create_tenant("starter").await;
    let done = api.succeeds(&operation).await;
    assert!(done["steps"].as_array().unwrap().iter().all(|step| step["status"] == "succeeded"), "{done:#}");
    assert_eq!(api.tenant(&tenant).await["status"], "active");
    assert_eq!(labelled("container", &tenant).len(), 2, "a main and the plan's worker");

    let mut customer = Customer::of(&api, &tenant).await;
    let page = customer.get("/").send().await.unwrap();
    assert!(page.headers().contains_key("x-rp9-route"));
    assert!(page.text().await.unwrap().contains("n8n"), "the page is n8n's");
    for private in ["/metrics", "/healthz", "/healthz/readiness", "//metrics", "/METRICS"] {
        assert_eq!(customer.get(private).send().await.unwrap().status(), 404, "{private}");
    }

    customer.sign_in(&api, &tenant).await;
    let id = customer.activate(&webhook_workflow("e2e-echo", Answers::WhenFinished)).await;
    eventually("the webhook answers", Duration::from_secs(30), async || call(&customer).await).await;
    ran_on_a_worker(&customer, &tenant, &id).await;

    heals_after_a_kill(&api, &customer, &tenant).await;
    api.delete_tenant(&tenant).await;
    for kind in ["container", "network", "volume"] {
        assert_eq!(labelled(kind, &tenant), [""; 0], "{kind}s are left");
    }
    assert_eq!(customer.get("/").send().await.unwrap().status(), 404);
    let gone = api.get(&format!("/tenants/{tenant}")).await.unwrap();
    assert!(gone.status == 404 || gone.body["data"]["status"] == "deleted", "{gone:?}");
}

async fn ran_on_a_worker(customer: &Customer, tenant: &str, workflow: &str) {
    let path = format!("/api/v1/executions?workflowId={workflow}&status=success");
    let execution = eventually("the execution is recorded", Duration::from_secs(30), async || {
        let list = customer.read(&path).await?;
        list["data"][0]["id"].as_str().map(str::to_owned).ok_or(list.to_string())
    })
    .await;
    let workers: Vec<_> =
        labelled("container", tenant).into_iter().filter(|name| name.contains("worker")).collect();
    let said = format!("execution {execution} ");
    let seen = workers.iter().any(|worker| docker(&["logs", worker]).unwrap().contains(&said));
    assert!(seen, "no worker says that it ran execution {execution}");
}

async fn heals_after_a_kill(api: &Api, customer: &Customer, tenant: &str) {
    let main = api.tenant(tenant).await["container_id"].as_str().unwrap().to_owned();
    let id = || docker(&["inspect", "--format", "{{.State.StartedAt}}", &main]);
    let before = id().unwrap();
    // Removed the engine cannot bring it back at all: the platform does.
    docker(&["rm", "--force", &main]).unwrap();
    eventually("the main is back", Duration::from_secs(120), async || {
        let after = id()?;
        if after == before { Err(after) } else { call(customer).await }
    })
    .await;
    let operations = api.get(&format!("/tenants/{tenant}")).await.unwrap();
    assert_eq!(operations.body["data"]["status"], "active");
}
