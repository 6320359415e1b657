//! A tenant that shares an n8n moves into one of its own while it is called, and back, as the playbook says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::block_in_place;

use e2e::{
    Answers, Called, Command, Customer, Playbook, Told, assert_told_well, called_workflow, calling_workflow,
    counted, labelled, place, sql, webhook_workflow,
};
use serde_json::{Value, json};

/// What a starter runs in a shared n8n beside a backup.
const CALLS_EVERY: Duration = Duration::from_millis(500);

/// What it has beside what is called: a workflow that runs another as a step, and a credential.
pub async fn has_more(customer: &Customer) {
    let called = customer.activate(&called_workflow()).await;
    customer.activate(&calling_workflow("nested", &called)).await;
    let data = json!({ "name": "X-Key", "value": "hunter2" });
    let credential = json!({ "name": "a key", "type": "httpHeaderAuth", "data": data });
    customer.post("/api/v1/credentials", &credential).await.unwrap();
    customer.is_answered("/webhook/nested").await;
}

/// Which workflows are active in which version: in an n8n of its own, or in this part of one.
pub fn active(database: &str, prefix: Option<&str>) -> String {
    let whose = prefix.map_or_else(String::new, |prefix| {
        format!(r#"AND w.id IN (SELECT "workflowId" FROM shared_workflow WHERE "projectId" = '{prefix}')"#)
    });
    let active = format!(
        r#"SELECT string_agg(w.id || '=' || "activeVersionId", ' ' ORDER BY w.id) FROM workflow_entity w WHERE w.active {whose}"#
    );
    sql(database, &active)
}

/// Does it while the tenant is called, and says what callers were told.
async fn done(called: &Arc<Called>, playbook: &Playbook, heading: &str, promotion: &str) -> Told {
    let (calls, began) = (called.is_called_every(CALLS_EVERY), Instant::now());
    block_in_place(|| playbook.run(heading, &[("tenant", &called.id), ("promotion", promotion)]));
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{heading}: {:?} in {:?}", counted(&told), began.elapsed());
    assert_told_well(&told);
    told
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn a_tenant_that_is_called_moves_into_an_n8n_of_its_own_and_back_and_loses_no_call() {
    let called = Arc::new(Called::sharing("starter").await);
    let (api, id) = (&called.api, &called.id);
    has_more(&called.customer).await;
    let (instance, prefix, _) = place(id);
    let before = active(&instance, Some(&prefix));
    let playbook = Playbook::read("promotion.md");
    block_in_place(|| {
        playbook.run("1. See who should be moved, and whether there is room", &[("tenant", id)])
    });

    let told = done(&called, &playbook, "2. Move it", "").await;
    called.each_runs_once(&told).await;
    let tenant = api.tenant(id).await;
    assert_eq!((&tenant["mode"], &tenant["status"]), (&json!("dedicated"), &json!("active")), "{tenant:#}");
    assert!(!labelled("container", id).is_empty());
    let promoted = api.last_promotion(id).await;
    assert_eq!(promoted["status"], "succeeded", "{promoted:#}");
    println!("frozen for {}", promoted["freeze_seconds"]);
    let seen = block_in_place(|| playbook.run("3. See that it works", &[("tenant", id)]));
    assert!(seen.contains(promoted["promotion_id"].as_str().unwrap()), "{seen}");
    assert_eq!(active(id, None), before, "the same workflows are active in the same versions");
    assert_eq!(active(&instance, Some(&prefix)), "", "and in one place");
    let former = format!("/webhook/{prefix}/e2e-called");
    for path in ["/webhook/nested", &former] {
        called.customer.is_answered(path).await;
    }
    assert_eq!(sql(id, "SELECT count(*) FROM credentials_entity"), "1");
    let again = api.command(&Command::operate(id, "promote", &json!({}))).await.unwrap();
    assert_eq!(again.status, 409, "{again:?}");

    let mut owner = Customer::of(api, id).await;
    owner.sign_in(api, id).await;
    owner.activate(&webhook_workflow("later", Answers::WhenFinished)).await;
    goes_back(&called, &playbook, &promoted, (&instance, &prefix)).await;
    playbook.is_done();
    assert_eq!(active(&instance, Some(&prefix)), before, "what was active is active again");
    api.delete_tenant(id).await;
}

/// To where it lived; what it made in its own n8n is told, and in a backup.
async fn goes_back(
    called: &Arc<Called>,
    playbook: &Playbook,
    promoted: &Value,
    (instance, prefix): (&str, &str),
) {
    let (api, id) = (&called.api, &called.id);
    done(called, playbook, "4. The way back", promoted["promotion_id"].as_str().unwrap()).await;
    let tenant = api.tenant(id).await;
    assert_eq!((&tenant["mode"], &tenant["status"]), (&json!("shared"), &json!("active")), "{tenant:#}");
    assert_eq!(place(id).1, prefix);
    let back = api.last_promotion(id).await;
    assert_eq!(back["status"], "rolled_back", "{back:#}");
    assert_eq!(
        (&back["changes"]["made"][0]["name"], &back["changes"]["things"]),
        (&json!("echo"), &json!(1)),
        "{back:#}"
    );
    assert!(back["own_backup_id"].is_string(), "{back:#}");
    let path = format!("/webhook/{prefix}/e2e-called");
    called.customer.is_answered(&path).await;
    assert_ne!(sql(instance, "SELECT count(*) FROM workflow_entity"), "0");
}
