//! A tenant's data is copied, and comes back in a sandbox, as its operator sees it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use std::time::Duration;

use e2e::{Answers, Api, Customer, docker, eventually, labelled, webhook_workflow};
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
async fn what_was_copied_comes_back_in_a_sandbox_that_begins_nothing_and_in_place() {
    let api = Api::of_environment();
    let (tenant, operation) = api.create_tenant("pro").await;
    api.succeeds(&operation).await;
    let mut customer = Customer::of(&api, &tenant).await;
    customer.sign_in(&api, &tenant).await;
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

    let operation = api.operate(&tenant, "restore", &json!({ "restore_to_sandbox": true })).await;
    let made = api.succeeds(&operation).await;
    let sandboxes = api.get(&format!("/sandboxes?tenant={tenant}")).await.unwrap().body;
    let sandbox = sandboxes["data"][0].clone();
    let name = sandbox["name"].as_str().unwrap_or_else(|| panic!("{sandboxes:#}")).to_owned();
    let copy = made["tenant_id"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned();
    sleeps_and_reaches_nobody(&copy, &workflow);

    let removed = api.command(&e2e::Command::remove(&format!("/sandboxes/{name}"))).await.unwrap();
    assert_eq!(removed.status, 202, "{removed:?}");
    api.succeeds(removed.body["operation_id"].as_str().unwrap()).await;
    assert_eq!(labelled("container", &copy), [""; 0]);
    passes_a_drill(&api, &tenant, &backup).await;
    comes_back_in_place(&api, &tenant, &customer, &backup).await;

    let removal = api.delete_tenant(&tenant).await;
    let last =
        &removal["steps"].as_array().unwrap().iter().find(|step| step["name"] == "final_backup").unwrap();
    assert_eq!(last["status"], "succeeded", "{removal:#}");
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

/// The same workflow, and it is not active; and its containers reach nothing outside.
fn sleeps_and_reaches_nobody(copy: &str, workflow: &str) {
    let main = labelled("container", copy).into_iter().find(|name| name.contains("main")).unwrap();
    let ask = |script: &str| docker(&["exec", &main, "node", "-e", script]);
    let outside = "fetch('http://1.1.1.1', { signal: AbortSignal.timeout(3000) }).then(() => process.exit(1), () => process.exit(0))";
    ask(outside).unwrap_or_else(|error| panic!("it reaches the outside: {error}"));
    let logs = docker(&["logs", &main]).unwrap();
    assert!(!logs.contains(&format!("Activated workflow \"{workflow}\"")), "{logs}");
}
