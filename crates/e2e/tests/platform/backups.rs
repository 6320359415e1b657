//! A tenant's data is copied, and comes back, as its operator sees it.

use std::time::Duration;

use e2e::{Answers, Api, Customer, eventually, labelled, webhook_workflow};
use serde_json::{Value, json};

async fn shown(api: &Api, path: &str) -> Value {
    api.get(path).await.unwrap().body["data"].clone()
}

/// The path of the webhook that there is when the backup is made, and of one that comes later.
const THEN: &str = "/webhook/e2e-backup";
const LATER: &str = "/webhook/e2e-later";

async fn answers(customer: &Customer, path: &str) {
    eventually(path, Duration::from_secs(60), async || customer.post(path, &json!({ "say": "hello" })).await)
        .await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn what_was_copied_passes_a_drill_and_comes_back_in_place() {
    let api = Api::of_environment();
    let (tenant, customer) = Customer::settled(&api, "starter").await;
    let workflow = customer.activate(&webhook_workflow("e2e-backup", Answers::WhenFinished)).await;
    answers(&customer, THEN).await;
    let data = json!({ "name": "X-Key", "value": "hunter2" });
    let credential = json!({ "name": "a key", "type": "httpHeaderAuth", "data": data });
    customer.post("/api/v1/credentials", &credential).await.unwrap();

    let operation = api.operate(&tenant, "backup", &json!({})).await;
    api.succeeds(&operation).await;
    let list = api.get(&format!("/tenants/{tenant}/backups")).await.unwrap().body;
    let backup = list["data"][0]["id"].as_str().unwrap().to_owned();
    let detail = shown(&api, &format!("/backups/{backup}")).await;
    assert_eq!((&detail["status"], &detail["restorable"]), (&json!("verified"), &json!(true)), "{detail:#}");
    assert_eq!(detail["manifest"]["rows"]["workflow_entity"], 1);
    assert_eq!(detail["manifest"]["active_workflows"], json!([workflow]));

    passes_a_drill(&api, &tenant, &backup).await;
    comes_back_in_place(&api, &tenant, &customer, &backup).await;

    let removal = api.delete_tenant(&tenant).await;
    let last =
        &removal["steps"].as_array().unwrap().iter().find(|step| step["name"] == "final_backup").unwrap();
    assert_eq!(last["status"], "succeeded", "{removal:#}");
}

/// By its own part alone: whoever else is in there goes on.
#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn one_that_shares_an_n8n_comes_back_in_place_and_its_neighbour_goes_on() {
    let api = Api::of_environment();
    let ((tenant, customer), (other, neighbour)) =
        (Customer::moved_in(&api).await, Customer::moved_in(&api).await);
    for one in [&customer, &neighbour] {
        one.activate(&webhook_workflow("e2e-backup", Answers::WhenFinished)).await;
        answers(one, THEN).await;
    }
    let operation = api.operate(&tenant, "backup", &json!({})).await;
    api.succeeds(&operation).await;
    let list = api.get(&format!("/tenants/{tenant}/backups")).await.unwrap().body;
    let backup = list["data"][0]["id"].as_str().unwrap().to_owned();
    neighbour.activate(&webhook_workflow("e2e-later", Answers::WhenFinished)).await;

    comes_back_in_place(&api, &tenant, &customer, &backup).await;
    for path in [THEN, LATER] {
        answers(&neighbour, path).await;
    }
    for tenant in [tenant, other] {
        api.delete_tenant(&tenant).await;
    }
}

/// Its credential opens, a workflow runs, and nothing is left of it.
async fn passes_a_drill(api: &Api, tenant: &str, backup: &str) {
    let operation = api.operate(tenant, "restore-drill", &json!({})).await;
    let held = api.succeeds(&operation).await;
    let drill = shown(api, &format!("/tenants/{tenant}/restore-drills")).await[0].clone();
    let expected = [
        ("result", json!("passed")),
        ("backup_tested", backup.into()),
        ("issues_found", json!([])),
        ("data_integrity", json!("intact")),
        ("operation_id", operation.into()),
    ];
    for (name, value) in expected {
        assert_eq!(drill[name], value, "{name}: {drill:#}");
    }
    assert!(drill["rto_minutes"].as_f64().unwrap() > 0.0, "{drill:#}");
    let found = &drill["found"];
    let found = [&found["workflows"], &found["credentials"], &found["credentials_opened"]];
    assert_eq!(found, [1, 1, 1], "{drill:#}");
    let copy = held["tenant_id"].as_str().unwrap();
    eventually("its sandbox is gone", Duration::from_secs(180), async || {
        let left = labelled("container", copy);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

/// What came after the backup is gone, what was there then is there and active, and what was there before is kept as a backup.
async fn comes_back_in_place(api: &Api, tenant: &str, customer: &Customer, backup: &str) {
    customer.activate(&webhook_workflow("e2e-later", Answers::WhenFinished)).await;
    answers(customer, LATER).await;
    let asked = json!({ "restore_to_sandbox": false, "backup_id": backup });
    let operation = api.operate(tenant, "restore", &asked).await;
    api.succeeds(&operation).await;
    assert_eq!(shown(api, &format!("/tenants/{tenant}")).await["status"], "active");
    answers(customer, THEN).await;
    let later = customer.post(LATER, &json!({})).await;
    assert!(later.is_err(), "it was not there yet: {later:?}");
    assert_eq!(shown(api, &format!("/backups/{backup}")).await["status"], "proven");
    let list = api.get(&format!("/tenants/{tenant}/backups")).await.unwrap().body;
    let newest = &list["data"][0];
    assert_eq!((&newest["type"], &newest["status"]), (&json!("pre_restore"), &json!("verified")), "{list:#}");
}
